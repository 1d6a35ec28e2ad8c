//! Bags and files: where clouds come from and where labelled clouds go.
