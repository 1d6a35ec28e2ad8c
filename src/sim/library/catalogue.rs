//! The catalogue file of a Sweet Home 3D library: Java properties, one block of `key#number=value` lines a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a catalogue says about a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    /// `CATALOGUE/model`, unique.
    pub name: String,
    /// What it is called.
    pub title: String,
    pub category: String,
    pub path: PathBuf,
    /// Width, depth, height, metres.
    pub size: [f32; 3],
    /// Height above the floor at which it hangs, metres.
    pub elevation: f32,
    /// Height of the surface that things are put on, metres.
    pub surface: Option<f32>,
    pub movable: bool,
    /// Rows of the rotation to apply to the model.
    pub rotation: [[f32; 3]; 3],
}

/// The models of a catalogue that lies in `folder`. Blocks without a model or a size are passed over.
pub(super) fn parse(bytes: &[u8], folder: &Path) -> Vec<Entry> {
    // Properties files are Latin-1.
    let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
    let mut blocks: BTreeMap<u32, BTreeMap<&str, &str>> = BTreeMap::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let Some((key, number)) = key.split_once('#') else { continue };
        if let Ok(number) = number.trim().parse() {
            blocks.entry(number).or_default().insert(key.trim(), value.trim());
        }
    }
    blocks.values().filter_map(|block| entry(block, folder)).collect()
}

fn entry(block: &BTreeMap<&str, &str>, folder: &Path) -> Option<Entry> {
    let metres = |key: &str| block.get(key).and_then(|value| value.parse::<f32>().ok()).map(|value| value / 100.0);
    let model = block.get("model")?.trim_start_matches('/');
    // A catalogue must not lead out of its folder.
    if model.split('/').any(|part| part == "..") {
        return None;
    }
    let numbers: Vec<f32> = block
        .get("modelRotation")
        .map(|value| value.split_whitespace().filter_map(|number| number.parse().ok()).collect())
        .unwrap_or_default();
    let rotation = match numbers[..] {
        [a, b, c, d, e, f, g, h, i] => [[a, b, c], [d, e, f], [g, h, i]],
        _ => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    };
    Some(Entry {
        name: model.trim_end_matches(".obj").to_owned(),
        title: (*block.get("name")?).to_owned(),
        category: block.get("category").copied().unwrap_or_default().to_owned(),
        path: folder.join(model),
        size: [metres("width")?, metres("depth")?, metres("height")?],
        elevation: metres("elevation").unwrap_or(0.0),
        surface: metres("dropOnTopElevation").filter(|height| *height > 0.0),
        movable: block.get("movable").is_some_and(|value| *value == "true"),
        rotation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_entries_and_broken_ones_are_passed_over() {
        let text = "id=x\nname#2=Chair\nmodel#2=/lib/chair/chair.obj\nwidth#2=50\ndepth#2=40.5\nheight#2=90\n\
                    movable#2=true\ncategory#2=Office\nmodelRotation#2=1 0 0 0 0 1 0 -1 0\n\
                    name#3=No model\nwidth#3=1\nname#4=Out\nmodel#4=/../../etc/passwd\nwidth#4=1\ndepth#4=1\nheight#4=1\n";
        let entries = parse(text.as_bytes(), Path::new("/library"));
        assert_eq!(entries.len(), 1);
        let Entry { name, path, size, rotation, movable, .. } = &entries[0];
        assert_eq!((name.as_str(), path.as_path()), ("lib/chair/chair", Path::new("/library/lib/chair/chair.obj")));
        assert_eq!((*size, rotation[1], *movable), ([0.5, 0.405, 0.9], [0.0, 0.0, 1.0], true));
    }
}
