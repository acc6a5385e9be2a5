//! The way that positions describe.

use koodtx_core::block::Columns;

use super::join::rows_with;
use super::report::{BoundingBox, Speed};

/// Mean radius of the Earth, in kilometres.
const EARTH_RADIUS_KM: f64 = 6371.0;
/// Microseconds in an hour.
const HOUR_MICROS: f64 = 3_600_000_000.0;
/// Farthest latitude, in degrees.
const LATITUDE_MAX_DEGREES: f64 = 90.0;
/// Farthest longitude, in degrees: some devices count from 0 to 360.
const LONGITUDE_MAX_DEGREES: f64 = 360.0;

/// A position at a time.
#[derive(Clone, Copy, Debug)]
struct Point {
    micros: i64,
    /// In degrees.
    latitude: f64,
    /// In degrees.
    longitude: f64,
}

/// The way from position to position, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Track {
    ends: Option<(Point, Point)>,
    distance_km: f64,
    max_kmh: f64,
    bounds: Option<BoundingBox>,
}

impl Track {
    /// Takes in the rows of a block that have both coordinates. Numbers that are no coordinates are
    /// passed over.
    pub(super) fn add(&mut self, columns: &Columns) {
        let rows = rows_with(columns, ["latitude", "longitude"]);
        for (row, [latitude, longitude]) in rows.into_iter().flatten() {
            let Some(&micros) = columns.times_micros().get(row) else {
                return;
            };
            if latitude.abs() <= LATITUDE_MAX_DEGREES && longitude.abs() <= LONGITUDE_MAX_DEGREES {
                self.go(Point {
                    micros,
                    latitude,
                    longitude,
                });
            }
        }
    }

    fn go(&mut self, to: Point) {
        let (first, last) = self.ends.unwrap_or((to, to));
        let step_km = last.distance_km(to);
        self.distance_km += step_km;
        if let Some(kmh) = speed(step_km, last, to) {
            self.max_kmh = self.max_kmh.max(kmh);
        }
        self.ends = Some((first, to));
        let Point {
            latitude,
            longitude,
            ..
        } = to;
        let bounds = self.bounds.get_or_insert(BoundingBox {
            min_latitude: latitude,
            max_latitude: latitude,
            min_longitude: longitude,
            max_longitude: longitude,
        });
        bounds.min_latitude = bounds.min_latitude.min(latitude);
        bounds.max_latitude = bounds.max_latitude.max(latitude);
        bounds.min_longitude = bounds.min_longitude.min(longitude);
        bounds.max_longitude = bounds.max_longitude.max(longitude);
    }

    /// The length of the way, in kilometres; `None` where there is no position.
    pub(super) fn distance_km(&self) -> Option<f64> {
        self.ends.map(|_| self.distance_km)
    }

    /// Where the positions lie.
    pub(super) fn bounding_box(&self) -> Option<BoundingBox> {
        self.bounds
    }

    /// How fast it went; `None` with fewer than two positions.
    pub(super) fn speed(&self) -> Option<Speed> {
        let (first, last) = self.ends?;
        Some(Speed {
            mean_kmh: speed(self.distance_km, first, last)?,
            max_kmh: self.max_kmh,
        })
    }
}

impl Point {
    /// The great-circle distance, by the haversine formula.
    fn distance_km(self, other: Self) -> f64 {
        // Degrees are subtracted first: that is exact for near points, where radians would round.
        let half_way = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
        let cosines = self.latitude.to_radians().cos() * other.latitude.to_radians().cos();
        let share = half_way(self.latitude, other.latitude)
            + cosines * half_way(self.longitude, other.longitude);
        // Antipodes may round to a little more than 1.
        2.0 * EARTH_RADIUS_KM * share.sqrt().min(1.0).asin()
    }
}

/// The speed, in km/h; `None` where no time passed.
fn speed(distance_km: f64, from: Point, to: Point) -> Option<f64> {
    let hours = (to.micros - from.micros) as f64 / HOUR_MICROS;
    (hours > 0.0).then(|| distance_km / hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(latitude: f64, longitude: f64) -> Point {
        Point {
            micros: 0,
            latitude,
            longitude,
        }
    }

    #[test]
    fn quarters_of_the_globe_and_the_antimeridian() {
        let quarter = EARTH_RADIUS_KM * std::f64::consts::FRAC_PI_2;
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b;
        assert!(near(point(0.0, 0.0).distance_km(point(0.0, 90.0)), quarter));
        assert!(near(
            point(-90.0, 7.0).distance_km(point(0.0, 50.0)),
            quarter
        ));
        let antipodes = point(30.0, 10.0).distance_km(point(-30.0, -170.0));
        assert!(near(antipodes, 2.0 * quarter));
        let across = point(0.0, 179.5).distance_km(point(0.0, -179.5));
        assert!(near(across, quarter / 90.0));
    }
}
