//! What machine this is, and how it fares: a latency without its machine says nothing.
//!
//! Everything is read from Linux' text files under a root, which is `/` on a robot and a made-up tree in
//! tests. The contract: what is absent, unreadable or nonsense is `None` (or an empty list), never an
//! error; a benchmark does not fail because a kernel keeps a file elsewhere.
//!
//! | file | holds |
//! |---|---|
//! | `processor` | model, cores, instruction sets, isolated cores |
//! | `frequency` | governor and clocks of the cores |
//! | `jetson` | module, L4T release, power mode, clock of the GPU |
//! | `temperature` | thermal zones and hardware monitors |
//! | `condition` | what changes during a run: clocks, temperatures, memory, load |

mod condition;
mod frequency;
mod jetson;
mod processor;
mod root;
mod temperature;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use condition::Condition;
pub use frequency::Frequency;
pub use jetson::{GpuClock, Jetson, PowerMode};
pub use processor::Processor;
pub use temperature::Temperature;

use root::Root;

/// What a machine is made of and set to. It does not change during a run, save by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    /// The board, where a device tree or firmware names it: `NVIDIA Jetson Orin Nano Developer Kit`.
    pub board: Option<String>,
    /// Its processor.
    pub processor: Processor,
    /// Governor and clocks of each core that tells.
    pub frequency: Vec<Frequency>,
    /// Memory that the kernel manages (MiB).
    pub memory: Option<u64>,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// How the kernel lets itself be interrupted: `PREEMPT_RT`, `PREEMPT_DYNAMIC`, `PREEMPT`.
    pub preemption: Option<String>,
    /// What only a Jetson has.
    pub jetson: Option<Jetson>,
}

impl Machine {
    /// The machine that runs this program.
    pub fn here() -> Self {
        Self::read(Path::new("/"))
    }

    /// The machine whose files lie under `root`.
    pub fn read(root: &Path) -> Self {
        let root = Root::new(root);
        let board = root.line("proc/device-tree/model").or_else(|| root.line("sys/class/dmi/id/product_name"));
        let jetson = Jetson::read(&root, board.as_deref());
        Self {
            board,
            processor: Processor::read(&root),
            frequency: frequency::read(&root),
            memory: root.kibibytes("proc/meminfo", "MemTotal:").map(|kibibytes| kibibytes / 1024),
            kernel: root.line("proc/sys/kernel/osrelease"),
            preemption: preemption(&root),
            jetson,
        }
    }

    /// Whether figures of the two may be held against each other: same board, same processor, same cores,
    /// same power mode.
    pub fn resembles(&self, other: &Self) -> bool {
        let power = |machine: &Self| machine.jetson.as_ref().and_then(|jetson| jetson.power_mode.clone());
        self.board == other.board
            && self.processor.model == other.processor.model
            && self.processor.cores == other.processor.cores
            && power(self) == power(other)
    }
}

impl std::fmt::Display for Machine {
    /// In one line: board, processor, cores, clock, power mode, memory, kernel.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut words: Vec<String> = Vec::new();
        words.extend(self.board.clone());
        let model = self.processor.model.as_deref().unwrap_or("unknown processor");
        words.push(format!("{model}, {} cores", self.processor.cores));
        if self.processor.is_virtual {
            words.push("virtual".to_owned());
        }
        if let Some(first) = self.frequency.first() {
            words.push(first.to_string());
        }
        if let Some(mode) = self.jetson.as_ref().and_then(|jetson| jetson.power_mode.as_ref()) {
            words.push(format!("power mode {mode}"));
        }
        words.extend(self.memory.map(|mebibytes| format!("{:.1} GiB", mebibytes as f64 / 1024.0)));
        words.extend(self.kernel.as_ref().map(|kernel| format!("Linux {kernel}")));
        words.extend(self.preemption.clone());
        f.write_str(&words.join("; "))
    }
}

/// How the kernel was built to be interrupted, by its own word.
fn preemption(root: &Root<'_>) -> Option<String> {
    if root.number("sys/kernel/realtime") == Some(1) {
        return Some("PREEMPT_RT".to_owned());
    }
    let version = root.line("proc/version")?;
    let mut words = version.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.find(|word| word.starts_with("PREEMPT")).map(str::to_owned)
}
