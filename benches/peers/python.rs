//! The peers that live in Python: one process that runs a block when it is asked to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// One thread, whichever library asks.
const ONE_THREAD: [(&str, &str); 3] =
    [("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")];

/// The interpreter that `INSTANTON_PYTHON` names.
pub fn interpreter() -> Command {
    let mut command = Command::new(std::env::var_os("INSTANTON_PYTHON").unwrap_or_else(|| "python3".into()));
    command.envs(ONE_THREAD);
    command
}

/// A script of this folder.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers").join(name)
}

/// `peers.py`, running.
pub struct Peers {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Name and version of each peer that is here.
    pub present: Vec<(String, String)>,
    /// Name of each peer that is not, and why.
    pub missing: Vec<(String, String)>,
    /// By how much embeddings were off at most, in parts of the largest, for each network's folder.
    pub difference: BTreeMap<String, f64>,
}

impl Peers {
    /// Starts the process on a folder of networks.
    pub fn start(folder: &Path) -> Result<Self, String> {
        let mut child = interpreter()
            .arg(script("peers.py"))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a child without pipes".to_owned());
        };
        let answers = BufReader::new(answers);
        let (present, missing, difference) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut peers = Self { child, questions, answers, present, missing, difference };
        let line = peers.line()?;
        let said: serde_json::Value = serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        for (name, about) in said.as_object().ok_or("not a list of peers")? {
            let text = |key: &str| about.get(key).and_then(|value| value.as_str()).map(str::to_owned);
            match (text("version"), text("missing")) {
                (Some(version), _) => peers.present.push((name.clone(), version)),
                (None, why) => peers.missing.push((name.clone(), why.unwrap_or_default())),
            }
        }
        Ok(peers)
    }

    /// Whether a peer is here.
    pub fn has(&self, peer: &str) -> bool {
        self.present.iter().any(|(name, _)| name == peer)
    }

    /// Milliseconds of one block. How far its embeddings are from ours is remembered.
    pub fn run(&mut self, peer: &str, network: &str, block: usize) -> Result<f64, String> {
        writeln!(self.questions, "{peer} {network} {block}").map_err(|error| error.to_string())?;
        let line = self.line()?;
        let mut numbers = line.split_whitespace().map(str::parse::<f64>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(milliseconds)), Some(Ok(difference))) => {
                let worst = self.difference.entry(network.to_owned()).or_insert(0.0);
                *worst = worst.max(difference);
                Ok(milliseconds)
            }
            _ => Err(format!("not two numbers: {line}")),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(0) => Err("it ended; its reason is above".to_owned()),
            Ok(_) => Ok(line),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // It would end by itself when its input does; what it says then is of no interest.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
