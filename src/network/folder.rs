//! Where the model is, when nobody says.

use std::path::{Path, PathBuf};

/// The shipped model.
const SHIPPED: &str = "models/asis-pointnet2";
/// Variable that names a model folder.
const VARIABLE: &str = "INSTANTON_MODEL";

/// No model folder was found.
#[derive(Debug, thiserror::Error)]
#[error(
    "no model folder: name one with --model or ${VARIABLE}; looked for {}",
    looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
)]
pub struct NoModel {
    /// Places that were looked at.
    pub looked: Vec<PathBuf>,
}

/// The model folder to use: the one asked for, else `$INSTANTON_MODEL`, else the shipped one, looked for in
/// the working directory, beside the executable and above it, and where this program was built.
///
/// # Errors
/// [`NoModel`] if nobody named a folder and the shipped one is nowhere. A folder that was named is
/// returned unseen: opening it tells what is wrong with it.
pub fn model_folder(asked: Option<&Path>) -> Result<PathBuf, NoModel> {
    if let Some(asked) = asked {
        return Ok(asked.to_owned());
    }
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    let executable = std::env::current_exe().unwrap_or_default();
    let above = executable.ancestors().skip(1).map(|folder| folder.join(SHIPPED));
    let mut looked = vec![PathBuf::from(SHIPPED)];
    looked.extend(above);
    looked.push(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHIPPED));
    looked.dedup();
    match looked.iter().position(|folder| folder.join("model.toml").is_file()) {
        Some(found) => Ok(looked.swap_remove(found)),
        None => Err(NoModel { looked }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_taken() {
        assert_eq!(model_folder(Some(Path::new("/a/b"))).expect("named"), Path::new("/a/b"));
    }

    #[test]
    fn the_message_lists_the_places() {
        let message = NoModel { looked: vec!["/x".into(), "/y".into()] }.to_string();
        assert!(message.contains("/x, /y") && message.contains("$INSTANTON_MODEL"), "{message}");
    }
}
