//! CDR against another implementation; what needs a middleware, over one that is not there.

mod cdr;
