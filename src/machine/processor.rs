//! `/proc/cpuinfo`, of x86 and of ARM.

use serde::{Deserialize, Serialize};

use super::root::{Root, shown};

/// Instruction sets that decide how fast a network runs; others are not told.
const TOLD: [&str; 24] = [
    "sse4_2",
    "avx",
    "f16c",
    "fma",
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "neon",
    "asimd",
    "fphp",
    "asimdhp",
    "asimddp",
    "i8mm",
    "bf16",
    "sve",
    "sve2",
];

/// Cores that `/proc/cpuinfo` of ARM names by number: implementer, part, name (from the kernel's `cputype.h`).
const ARM: [(u32, u32, &str); 17] = [
    (0x41, 0xd03, "Cortex-A53"),
    (0x41, 0xd04, "Cortex-A35"),
    (0x41, 0xd05, "Cortex-A55"),
    (0x41, 0xd07, "Cortex-A57"),
    (0x41, 0xd08, "Cortex-A72"),
    (0x41, 0xd09, "Cortex-A73"),
    (0x41, 0xd0a, "Cortex-A75"),
    (0x41, 0xd0b, "Cortex-A76"),
    (0x41, 0xd0c, "Neoverse-N1"),
    (0x41, 0xd40, "Neoverse-V1"),
    (0x41, 0xd41, "Cortex-A78"),
    (0x41, 0xd42, "Cortex-A78AE"),
    (0x41, 0xd49, "Neoverse-N2"),
    (0x41, 0xd4f, "Neoverse-V2"),
    (0x4e, 0x003, "NVIDIA Denver 2"),
    (0x4e, 0x004, "NVIDIA Carmel"),
    (0x51, 0x804, "Qualcomm Kryo 4xx Gold"),
];

/// The processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Processor {
    /// Its name; on ARM the kinds of its cores.
    pub model: Option<String>,
    /// Logical cores.
    pub cores: usize,
    /// Instruction sets that matter here, in the kernel's names.
    pub instruction_sets: Vec<String>,
    /// Cores that the scheduler leaves alone (`isolcpus`), as the kernel lists them: `2-3`.
    pub isolated: Option<String>,
    /// Whether a hypervisor is below.
    pub is_virtual: bool,
}

impl Processor {
    pub(super) fn read(root: &Root<'_>) -> Self {
        let text = root.text("proc/cpuinfo").unwrap_or_default();
        let fields =
            || text.lines().filter_map(|line| line.split_once(':')).map(|(key, value)| (key.trim(), value.trim()));
        let flags: Vec<&str> = fields()
            .find(|(key, _)| ["flags", "Features"].contains(key))
            .map(|(_, value)| value.split_whitespace().collect())
            .unwrap_or_default();
        let named = fields().find(|(key, _)| ["model name", "Model Name"].contains(key));
        // Old kernels for 64-bit ARM say "ARMv8 Processor rev 1", which names no core.
        let named = named.and_then(|(_, value)| shown(value)).filter(|name| !name.starts_with("ARM"));
        Self {
            model: named.or_else(|| arm(fields())),
            cores: fields().filter(|(key, value)| *key == "processor" && value.parse::<u32>().is_ok()).count(),
            instruction_sets: TOLD.iter().filter(|set| flags.contains(*set)).map(|&set| set.to_owned()).collect(),
            isolated: root.line("sys/devices/system/cpu/isolated"),
            is_virtual: flags.contains(&"hypervisor"),
        }
    }
}

/// The kinds of cores of an ARM processor, each said once: `4 × Cortex-A57 + 2 × NVIDIA Denver 2`.
fn arm<'t>(fields: impl Iterator<Item = (&'t str, &'t str)>) -> Option<String> {
    let number = |value: &str| u32::from_str_radix(value.trim_start_matches("0x"), 16).ok();
    let (mut implementer, mut kinds) = (None, Vec::<(String, usize)>::new());
    for (key, value) in fields {
        match key {
            "CPU implementer" => implementer = number(value),
            "CPU part" => {
                let (Some(implementer), Some(part)) = (implementer, number(value)) else { continue };
                let known = ARM.iter().find(|(by, number, _)| (*by, *number) == (implementer, part));
                let name =
                    known.map_or_else(|| format!("ARM {implementer:#x}/{part:#x}"), |(_, _, name)| (*name).into());
                match kinds.iter_mut().find(|(kind, _)| *kind == name) {
                    Some((_, count)) => *count += 1,
                    None => kinds.push((name, 1)),
                }
            }
            _ => {}
        }
    }
    let said: Vec<String> = kinds.iter().map(|(name, count)| format!("{count} × {name}")).collect();
    Some(said.join(" + ")).filter(|said| !said.is_empty())
}
