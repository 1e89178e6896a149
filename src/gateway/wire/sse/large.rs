//! An event too large to be held, which goes out as it comes and is looked at on its way. It leaves smaller ones to its
//! parent.

use memchr::memchr2;

use super::line::{Field, LinePosition, StreamTooLarge, field, lines};
use crate::gateway::wire::list_scan::ListScan;

#[derive(Debug)]
pub(super) struct Large {
    look: ListScan,
    place: LinePosition,
}

impl Large {
    /// From what has come of the event; nothing, if that tells something already.
    pub(super) fn begin(held: &[u8]) -> Option<Self> {
        let place = match held.last() {
            Some(b'\n') => LinePosition::Line,
            Some(b'\r') => LinePosition::LineReturn,
            _ => LinePosition::Within,
        };
        let mut look = ListScan::default();
        let mut told =
            lines(held).map(field).filter(|field| !matches!(field, Field::Event(_) | Field::Other));
        // Messages come in one line. Whatever else this is, every word of it counts.
        let tells = match (told.next(), told.next()) {
            (Some(Field::Data(data)), None) => look.tells(data),
            _ => {
                look = ListScan::at_anything();
                look.tells(held)
            }
        };
        (!tells).then_some(Self { look, place })
    }

    /// How many of these bytes are this event's and may go out, and whether it ends with them.
    ///
    /// # Errors
    /// [`StreamTooLarge`], if they tell what should have been held back; nothing of them goes out.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Result<(usize, bool), StreamTooLarge> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            if end > 0 {
                if self.place != LinePosition::Within {
                    self.look = ListScan::at_anything();
                }
                self.place = LinePosition::Within;
                if self.look.tells(rest.get(..end).unwrap_or_default()) {
                    return Err(StreamTooLarge);
                }
                at += end;
                continue;
            }
            self.place = rest.first().map_or(self.place, |byte| self.place.after(*byte));
            at += 1;
            if matches!(self.place, LinePosition::Between | LinePosition::BetweenReturn) {
                return Ok((at, true));
            }
        }
        Ok((bytes.len(), false))
    }
}
