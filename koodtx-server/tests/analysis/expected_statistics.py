"""Computes with numpy what the analysis of push bodies has to come to.

usage: python3 expected_statistics.py BODIES.jsonl... > expected_statistics.json

Every line of the input is the body of a push. The output holds, by session, the analysis of each
sensor and its anomalies at the sensitivities below, in the shape of the analysis itself.
"""

import json
import sys

import numpy as np

SENSITIVITIES = [3.0, 2.0]
EARTH_RADIUS_KM = 6371.0
GAP_MEDIANS = 5.0
TIMESTAMPS_MAX = 10


def read(paths):
    """Records by session and sensor: {session: {sensor: {time in µs: data}}}."""
    sessions = {}
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in filter(str.strip, lines):
                body = json.loads(line)
                sensors = sessions.setdefault(body["session"]["session_id"], {})
                for record in body["sensor_data"]:
                    micros = round(record["timestamp"] * 1000)
                    sensors.setdefault(record["sensor_type"], {})[micros] = record["data"]
    return sessions


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def signals(rows):
    """The numeric fields as (rows, values), and whether x, y and z make a magnitude."""
    names = sorted({name for data in rows for name, value in data.items() if is_number(value)})
    fields = {}
    for name in names:
        having = [i for i, data in enumerate(rows) if is_number(data.get(name))]
        fields[name] = (having, np.array([float(rows[i][name]) for i in having]))
    axes = [i for i, data in enumerate(rows) if all(is_number(data.get(a)) for a in "xyz")]
    if axes and "magnitude" not in fields:
        x, y, z = (np.array([float(rows[i][a]) for i in axes]) for a in "xyz")
        fields["magnitude"] = (axes, np.sqrt(x * x + y * y + z * z))
    return fields, bool(axes)


def describe(values):
    p5, p50, p95 = np.percentile(values, [5, 50, 95])
    return {
        "mean": np.mean(values),
        "std": np.std(values),
        "min": np.min(values),
        "max": np.max(values),
        "peak_to_peak": np.ptp(values),
        "p5": p5,
        "p50": p50,
        "p95": p95,
    }


def millis(micros):
    return micros // 1000 if micros % 1000 == 0 else micros / 1000


def track(times, rows):
    at = [i for i, d in enumerate(rows) if is_number(d.get("latitude")) and is_number(d.get("longitude"))]
    if not at:
        return {}
    latitude = np.array([rows[i]["latitude"] for i in at])
    longitude = np.array([rows[i]["longitude"] for i in at])
    phi = np.radians(latitude)
    share = (
        np.sin(np.radians(np.diff(latitude)) / 2) ** 2
        + np.cos(phi[:-1]) * np.cos(phi[1:]) * np.sin(np.radians(np.diff(longitude)) / 2) ** 2
    )
    steps = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(share))
    hours = np.diff(times[at]) / 3.6e9
    result = {
        "distance_km": float(np.sum(steps)),
        "bounding_box": {
            "min_latitude": np.min(latitude),
            "max_latitude": np.max(latitude),
            "min_longitude": np.min(longitude),
            "max_longitude": np.max(longitude),
        },
    }
    if len(at) > 1:
        result["speed"] = {
            "mean_kmh": np.sum(steps) / np.sum(hours),
            "max_kmh": np.max(steps / hours),
        }
    return result


def analyse(times, rows):
    fields, _ = signals(rows)
    intervals = np.diff(times)
    duration = int(times[-1] - times[0])
    return {
        "count": len(times),
        "duration_ms": millis(duration),
        "first_timestamp": millis(int(times[0])),
        "last_timestamp": millis(int(times[-1])),
        "sample_rate_hz": (len(times) - 1) / (duration / 1e6) if duration else None,
        "gaps": int(np.sum(intervals > GAP_MEDIANS * np.median(intervals))) if len(intervals) else 0,
        "jitter_ms": np.std(intervals) / 1000 if len(intervals) else None,
        "statistics": {name: describe(values) for name, (_, values) in fields.items()},
        **track(times, rows),
    }


def anomalies(times, rows, sensitivity):
    fields, three_axis = signals(rows)
    if three_axis:
        fields = {"magnitude": fields["magnitude"]}
    marked = np.zeros(len(times), dtype=bool)
    best = None
    for name, (at, values) in fields.items():
        std = np.std(values)
        z = np.abs((values - np.mean(values)) / std) if np.ptp(values) else None
        if z is not None:
            marked[at] |= z > sensitivity
        largest = np.max(z) if z is not None else None
        if best is None or (largest or -1) > (best[0] or -1):
            best = (largest, name, np.mean(values), std)
    found = [millis(int(time)) for time in times[marked]]
    return {
        "count": len(found),
        "percentage": 100 * len(found) / len(times),
        "mean": best[2],
        "std": best[3],
        "max_z_score": best[0],
        "field": best[1],
        "timestamps": found[:TIMESTAMPS_MAX],
        "more_timestamps": len(found[TIMESTAMPS_MAX:]),
    }


def main():
    expected = {}
    for session, sensors in read(sys.argv[1:]).items():
        columns = {
            sensor: (np.array(sorted(records)), [records[time] for time in sorted(records)])
            for sensor, records in sorted(sensors.items())
        }
        expected[session] = {
            "total_records": sum(len(times) for times, _ in columns.values()),
            "sensor_types": list(columns),
            "analysis": {sensor: analyse(*column) for sensor, column in columns.items()},
            "anomalies": [
                {
                    "sensitivity": sensitivity,
                    "anomalies": {s: anomalies(*column, sensitivity) for s, column in columns.items()},
                }
                for sensitivity in SENSITIVITIES
            ],
        }
    lines = (f"{json.dumps(s)}:{json.dumps(e, default=float)}" for s, e in expected.items())
    print("{" + ",\n".join(lines) + "}")


main()
