//! The console as a state machine: messages change the model, the model asks for effects, drawing only reads it.
//!
//! Pure: no clock, no terminal, no store. `now` is an argument; what must be done outside comes back as an [`Effect`].

pub mod command;
pub mod deadline;
pub mod effect;
pub mod entry;
pub mod input;
pub mod layout;
pub mod loadable;
pub mod model;
pub mod msg;
pub mod overlay;
pub mod palette;
pub mod pane;
pub mod reference;
pub mod update;

pub use command::Command;
pub use effect::{Effect, Load};
pub use input::{Input, Key, Pointer, Press};
pub use loadable::{Feed, Loadable};
pub use model::{Engine, Model, Place, Setup};
pub use msg::{Msg, Page};
pub use reference::keys_markdown;
pub use update::update;
