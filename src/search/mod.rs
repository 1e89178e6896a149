//! Finds tools by what somebody wants to do, without a model: names split, English endings cut off, words weighed by where
//! they stand and how rare they are, misspelt ones read as what they are near. One stage, over tools and not over servers
//! first, and over those alone that the asker may see.
//! It knows no network, no file and no clock, and leaves who may see what to its caller.

mod index;
mod rank;
#[cfg(test)]
mod tests;
mod typo;
mod words;

pub use self::index::{Document, Index};
pub use self::rank::{Hit, Ranking};
