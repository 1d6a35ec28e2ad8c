//! A picture on disc: whole or not at all.

use std::io::Write;
use std::path::Path;

use image::{ImageFormat, RgbImage};

use super::PictureError;
use crate::whole_file::WholeFile;

/// Writes a PNG. It is written beside its place under another name and renamed when complete, so
/// that nobody ever sees half a picture.
///
/// # Errors
/// [`PictureError::Write`] where the folder is missing, read-only or full; what was at `path` is
/// then untouched.
pub fn save(path: &Path, image: &RgbImage) -> Result<(), PictureError> {
    let failed = |source| PictureError::Write { path: path.to_path_buf(), source };
    let mut bytes = std::io::Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png)?;
    let mut file = WholeFile::create(path).map_err(failed)?;
    file.write_all(bytes.get_ref()).map_err(failed)?;
    file.commit().map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn what_is_saved_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("picture.png");
        let image = RgbImage::from_fn(7, 5, |x, y| Rgb([x as u8, y as u8, 200]));
        save(&path, &image).unwrap();
        save(&path, &image).unwrap();
        assert_eq!(image::open(&path).unwrap().to_rgb8(), image);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_missing_folder_is_a_typed_error() {
        let error = save(Path::new("/nowhere/at/all/picture.png"), &RgbImage::new(2, 2)).unwrap_err();
        assert!(matches!(error, PictureError::Write { .. }));
    }
}
