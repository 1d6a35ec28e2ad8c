//! What can be wrong with a PointCloud2.

/// Why a PointCloud2 is no cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloudError {
    /// A coordinate is missing.
    #[error("PointCloud2 has no field {field}; it has: {available}")]
    MissingField {
        /// The field that is needed.
        field: &'static str,
        /// The fields that are there.
        available: String,
    },
    /// A field has a type that it cannot have.
    #[error("PointCloud2 field {field}: expected {expected}, found datatype {datatype} × {count}")]
    FieldType {
        /// Its name.
        field: String,
        /// Types that are understood.
        expected: &'static str,
        /// The constant of `sensor_msgs/PointField` that came.
        datatype: u8,
        /// How many of it.
        count: u32,
    },
    /// A field reaches beyond the point.
    #[error("PointCloud2 field {field} ends at byte {end} of a point of {point_step} bytes")]
    FieldOutsidePoint {
        /// Its name.
        field: String,
        /// Where it ends.
        end: u64,
        /// Bytes per point.
        point_step: u32,
    },
    /// Rows overlap.
    #[error("PointCloud2 row_step is {row_step}; {width} points of {point_step} bytes need at least {needed}")]
    RowStep {
        /// Bytes from row to row, as the message claims.
        row_step: u32,
        /// Points per row.
        width: u32,
        /// Bytes per point.
        point_step: u32,
        /// Bytes that a row needs.
        needed: u64,
    },
    /// Fewer bytes than the description needs.
    #[error("PointCloud2 data holds {actual} bytes; {height} rows of {width} points need {needed}")]
    DataLength {
        /// Bytes that came.
        actual: usize,
        /// Rows.
        height: u32,
        /// Points per row.
        width: u32,
        /// Bytes needed.
        needed: u64,
    },
    /// A column of labels does not belong to this cloud.
    #[error("{column} has {actual} entries, the cloud has {expected} points")]
    LabelCount {
        /// Which column.
        column: &'static str,
        /// Points.
        expected: usize,
        /// Entries.
        actual: usize,
    },
    /// The labelled message would not fit the 32-bit lengths of its type.
    #[error("labelled PointCloud2: {what} would be {actual}, beyond 4294967295")]
    TooLarge {
        /// Which length.
        what: &'static str,
        /// Its value.
        actual: u64,
    },
}
