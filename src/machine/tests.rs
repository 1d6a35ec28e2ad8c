//! Made-up machines.

use std::path::Path;

use super::*;

/// A folder with these files.
fn tree(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    for (path, bytes) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("inside the root")).expect("folders");
        std::fs::write(path, bytes).expect("a file");
    }
    root
}

const ORIN_CORE: &str = "processor\t: 0\nBogoMIPS\t: 62.50\n\
    Features\t: fp asimd evtstrm aes crc32 atomics fphp asimdhp asimddp\n\
    CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: 0xd42\nCPU revision\t: 1\n\n";

const NVPMODEL: &[u8] = b"< PARAM TYPE=FILE NAME=CPU_ONLINE >\n CORE_0 /sys/devices/system/cpu/cpu0/online\n\n\
    < POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\nCPU_ONLINE CORE_0 1\n\
    < PM_CONFIG DEFAULT=2 >\n";

fn orin() -> tempfile::TempDir {
    let cores = ORIN_CORE.repeat(6);
    tree(&[
        ("proc/device-tree/model", b"NVIDIA Jetson Orin Nano Developer Kit\0"),
        ("proc/cpuinfo", cores.as_bytes()),
        ("proc/meminfo", b"MemTotal:        7802888 kB\nMemFree:         1000 kB\n"),
        ("proc/sys/kernel/osrelease", b"5.15.148-tegra\n"),
        ("proc/version", b"Linux version 5.15.148-tegra (gcc) #1 SMP PREEMPT Tue Jan 7\n"),
        ("etc/nv_tegra_release", b"# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic\n"),
        ("etc/nvpmodel.conf", NVPMODEL),
        ("var/lib/nvpmodel/status", b"pmode:0002 fmode:quiet\n"),
        ("sys/class/devfreq/15340000.vic/cur_freq", b"1\n"),
        ("sys/class/devfreq/17000000.gpu/cur_freq", b"306000000\n"),
        ("sys/class/devfreq/17000000.gpu/max_freq", b"1020000000\n"),
        ("sys/class/devfreq/17000000.gpu/governor", b"nvhost_podgov\n"),
        ("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", b"schedutil\n"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", b"schedutil\n"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", b"1728000\n"),
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", b"729600\n"),
        ("sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq", b"1728000\n"),
        ("sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq", b"1036800\n"),
        ("sys/class/thermal/thermal_zone0/type", b"cpu-thermal\n"),
        ("sys/class/thermal/thermal_zone0/temp", b"48468\n"),
        ("sys/class/thermal/thermal_zone1/type", b"gpu-thermal\n"),
        ("sys/class/thermal/thermal_zone1/temp", b"-256000\n"),
        ("sys/class/thermal/thermal_zone2/type", b"tj-thermal\n"),
        ("sys/class/thermal/thermal_zone2/temp", b"49125\n"),
    ])
}

#[test]
fn a_jetson_tells_its_module_mode_and_clocks() {
    let root = orin();
    let machine = Machine::read(root.path());
    assert_eq!(machine.board.as_deref(), Some("NVIDIA Jetson Orin Nano Developer Kit"));
    assert_eq!(machine.processor.model.as_deref(), Some("6 × Cortex-A78AE"));
    assert_eq!(machine.processor.cores, 6);
    assert_eq!(machine.processor.instruction_sets, ["asimd", "fphp", "asimdhp", "asimddp"]);
    assert_eq!(machine.memory, Some(7620));
    assert_eq!(machine.preemption.as_deref(), Some("PREEMPT"));
    let governor = Some("schedutil".to_owned());
    assert_eq!(machine.frequency, [Frequency { core: 0, governor, highest: Some(1728.0), hardware: None }]);
    let jetson = machine.jetson.as_ref().expect("it is one");
    assert_eq!(jetson.power_mode, Some(PowerMode { id: 2, name: Some("MAXN_SUPER".to_owned()) }));
    assert_eq!(jetson.release.as_deref(), Some("R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic"));
    let gpu = jetson.gpu.as_ref().expect("its GPU has a clock");
    assert_eq!((gpu.now, gpu.highest), (Some(306.0), Some(1020.0)));
    let said = machine.to_string();
    assert!(said.contains("Orin Nano") && said.contains("power mode MAXN_SUPER (2)"), "{said}");
}

#[test]
fn a_condition_has_credible_temperatures_and_clocks_in_the_order_of_the_cores() {
    let root = orin();
    let condition = Condition::read(root.path());
    assert_eq!(condition.clocks, [729.6, 1036.8, 1728.0]);
    let zones: Vec<&str> = condition.temperatures.iter().map(|it| it.zone.as_str()).collect();
    assert_eq!(zones, ["cpu-thermal", "tj-thermal"]);
    assert_eq!(condition.hottest(), Some(49.125));
    assert_eq!(condition.resident, None);
}

#[test]
fn an_x86_machine_tells_its_instruction_sets_and_monitors() {
    let core =
        "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t\t: fpu sse4_2 avx2 fma avx512f avx512_vnni hypervisor\n";
    let root = tree(&[
        ("proc/cpuinfo", core.repeat(2).as_bytes()),
        ("proc/version", b"Linux version 6.1.0 #1 SMP PREEMPT_DYNAMIC Debian\n"),
        ("proc/loadavg", b"1.25 0.80 0.40 2/300 4242\n"),
        ("proc/stat", b"cpu  50 0 20 900 10 0 10 10 0 0\ncpu0 1 2 3\n"),
        ("proc/self/status", b"Name:\tx\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n"),
        ("sys/class/hwmon/hwmon0/name", b"k10temp\n"),
        ("sys/class/hwmon/hwmon0/temp1_input", b"61500\n"),
        ("sys/devices/system/cpu/isolated", b"1\n"),
    ]);
    let machine = Machine::read(root.path());
    assert_eq!(machine.processor.model.as_deref(), Some("AMD EPYC 9R14"));
    assert_eq!((machine.processor.cores, machine.processor.is_virtual), (2, true));
    assert_eq!(machine.processor.instruction_sets, ["sse4_2", "fma", "avx2", "avx512f", "avx512_vnni"]);
    assert_eq!(machine.processor.isolated.as_deref(), Some("1"));
    assert_eq!((machine.preemption.as_deref(), machine.jetson), (Some("PREEMPT_DYNAMIC"), None));
    let condition = Condition::read(root.path());
    assert_eq!((condition.resident, condition.peak_resident), (Some(100.0), Some(200.0)));
    assert_eq!((condition.load, condition.stolen), (Some(1.25), Some(0.01)));
    assert_eq!(condition.temperatures, [Temperature { zone: "k10temp".to_owned(), celsius: 61.5 }]);
}

#[test]
fn nothing_there_is_nothing_told() {
    let root = tree(&[]);
    assert_eq!(Machine::read(root.path()), Machine::default());
    assert_eq!(Condition::read(root.path()), Condition::default());
    assert_eq!(Machine::read(Path::new("/no/such/root")), Machine::default());
}

#[test]
fn garbage_is_nothing_told() {
    let garbage: Vec<u8> = (0..4096u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8 | 0x80).collect();
    let files = [
        "proc/device-tree/model",
        "proc/cpuinfo",
        "proc/meminfo",
        "proc/loadavg",
        "proc/stat",
        "proc/version",
        "proc/self/status",
        "etc/nv_tegra_release",
        "etc/nvpmodel.conf",
        "var/lib/nvpmodel/status",
        "sys/kernel/realtime",
        "sys/class/devfreq/17000000.gpu/cur_freq",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq",
        "sys/class/thermal/thermal_zone0/type",
        "sys/class/thermal/thermal_zone0/temp",
    ];
    let root = tree(&files.map(|file| (file, garbage.as_slice())));
    // A folder where a file is expected.
    std::fs::create_dir_all(root.path().join("proc/sys/kernel/osrelease")).expect("a folder");
    let machine = Machine::read(root.path());
    assert_eq!((machine.processor, machine.memory, machine.kernel), (Processor::default(), None, None));
    assert!(machine.jetson.is_none_or(|jetson| jetson.power_mode.is_none()));
    assert_eq!(Condition::read(root.path()), Condition::default());
}

#[test]
fn a_status_without_a_configuration_is_a_number() {
    let root = tree(&[
        ("etc/nv_tegra_release", b"# R32 (release)\n"),
        ("var/lib/nvpmodel/status", b"pmode:0001\n"),
        ("etc/nvpmodel.conf", b"< POWER_MODEL ID=x NAME= >\n< POWER_MODEL\nID=1 NAME=5W >\n"),
    ]);
    let mode = Machine::read(root.path()).jetson.and_then(|jetson| jetson.power_mode).expect("a mode");
    assert_eq!(mode.to_string(), "1");
}

#[test]
fn machines_with_other_power_modes_do_not_resemble() {
    let root = orin();
    let machine = Machine::read(root.path());
    assert!(machine.resembles(&machine.clone()));
    std::fs::write(root.path().join("var/lib/nvpmodel/status"), "pmode:0000\n").expect("a file");
    assert!(!machine.resembles(&Machine::read(root.path())));
}

#[cfg(target_os = "linux")]
#[test]
fn this_machine_has_a_processor_and_this_process_memory() {
    let machine = Machine::here();
    assert!(machine.processor.cores > 0 && machine.memory.is_some_and(|mebibytes| mebibytes > 0));
    assert!(Condition::now().resident.is_some_and(|mebibytes| mebibytes > 1.0));
}

#[test]
fn a_machine_survives_a_round_trip() {
    let root = orin();
    let (machine, condition) = (Machine::read(root.path()), Condition::read(root.path()));
    let text = serde_json::to_string(&(&machine, &condition)).expect("serialisable");
    assert_eq!(serde_json::from_str::<(Machine, Condition)>(&text).expect("readable"), (machine, condition));
}
