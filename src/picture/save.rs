//! A picture on disc: whole or not at all.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::{Image, PictureError};
use crate::whole_file::WholeFile;

/// Writes a PNG. It is written beside its place under another name and renamed when complete, so
/// that nobody ever sees half a picture.
///
/// # Errors
/// [`PictureError::Write`] where the folder is missing, read-only or full; what was at `path` is
/// then untouched.
pub fn save(path: &Path, image: &Image) -> Result<(), PictureError> {
    WholeFile::write_all_of(path, &encode(image)?)
        .map_err(|source| PictureError::Write { path: path.to_path_buf(), source })
}

fn encode(image: &Image) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, image.width() as u32, image.height() as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    let pixels: Vec<[u8; 3]> = image.pixels().collect();
    writer.write_image_data(pixels.as_flattened())?;
    writer.finish()?;
    Ok(bytes)
}

/// Reads a PNG as [`save`] writes them.
///
/// # Errors
/// [`PictureError::Read`] where it is no PNG, or one of other than 8 bits of red, green and blue.
pub fn load(path: &Path) -> Result<Image, PictureError> {
    let failed = |reason: String| PictureError::Read { path: path.to_path_buf(), reason };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info().map_err(|error| failed(error.to_string()))?;
    let info = reader.info();
    if (info.color_type, info.bit_depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
        return Err(failed(format!("expected 8 bits of Rgb, found {:?} {:?}", info.bit_depth, info.color_type)));
    }
    let (width, height) = (info.width as usize, info.height as usize);
    let mut pixels = vec![[0; 3]; width * height];
    reader.next_frame(pixels.as_flattened_mut()).map_err(|error| failed(error.to_string()))?;
    Ok(Image::new(pixels, width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        let pixels = (0..35).map(|pixel| [pixel % 7, pixel / 7, 200]).collect();
        let image = Image::new(pixels, 7, 5);
        save(&path, &image).unwrap();
        save(&path, &image).unwrap();
        assert_eq!(load(&path).unwrap(), image);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_missing_folder_is_a_typed_error() {
        let image = Image::new(vec![[0; 3]; 4], 2, 2);
        let error = save(Path::new("/nowhere/at/all/picture.png"), &image).unwrap_err();
        assert!(matches!(error, PictureError::Write { .. }));
        assert!(matches!(load(Path::new("/nowhere.png")), Err(PictureError::Read { .. })));
    }
}
