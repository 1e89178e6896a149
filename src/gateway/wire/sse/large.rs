//! An event too large to be held, which goes out as it comes and is looked at on its way. It leaves smaller ones to its
//! parent.

use memchr::memchr2;

use super::line::{Field, Place, TooLarge, field, lines};
use crate::gateway::wire::look::Look;

#[derive(Debug)]
pub(super) struct Large {
    look: Look,
    place: Place,
}

impl Large {
    /// From what has come of the event; nothing, if that tells something already.
    pub(super) fn begin(held: &[u8]) -> Option<Self> {
        let place = match held.last() {
            Some(b'\n') => Place::Line,
            Some(b'\r') => Place::LineReturn,
            _ => Place::Within,
        };
        let mut look = Look::default();
        let mut told =
            lines(held).map(field).filter(|field| !matches!(field, Field::Event(_) | Field::Other));
        // Messages come in one line. Whatever else this is, every word of it counts.
        let tells = match (told.next(), told.next()) {
            (Some(Field::Data(data)), None) => look.tells(data),
            _ => {
                look = Look::at_anything();
                look.tells(held)
            }
        };
        (!tells).then_some(Self { look, place })
    }

    /// How many of these bytes are this event's and may go out, and whether it ends with them.
    ///
    /// # Errors
    /// [`TooLarge`], if they tell what should have been held back; nothing of them goes out.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<(usize, bool), TooLarge> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            if end > 0 {
                if self.place != Place::Within {
                    self.look = Look::at_anything();
                }
                self.place = Place::Within;
                if self.look.tells(rest.get(..end).unwrap_or_default()) {
                    return Err(TooLarge);
                }
                at += end;
                continue;
            }
            self.place = rest.first().map_or(self.place, |byte| self.place.after(*byte));
            at += 1;
            if matches!(self.place, Place::Between | Place::BetweenReturn) {
                return Ok((at, true));
            }
        }
        Ok((bytes.len(), false))
    }
}
