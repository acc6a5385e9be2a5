"""Prints the records of an exported Parquet file as NDJSON."""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

RESERVED = ("timestamp", "sensor_type", "data")


def millis(micros):
    """Microseconds as milliseconds, with a fraction where there is one."""
    whole, rest = divmod(micros, 1000)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)


def main(path):
    file = pq.ParquetFile(path)
    schema = file.schema_arrow
    assert schema.field("timestamp").type == pa.timestamp("us", tz="UTC"), schema
    assert schema.field("sensor_type").type == pa.string(), schema
    assert schema.field("data").type == pa.string(), schema
    for batch in file.iter_batches():
        names = batch.schema.names
        columns = [
            column.cast(pa.int64()) if name == "timestamp" else column
            for name, column in zip(names, batch.columns)
        ]
        for row in zip(*(column.to_pylist() for column in columns)):
            record = dict(zip(names, row))
            data = json.loads(record["data"]) if record["data"] is not None else {}
            for name, value in record.items():
                if name not in RESERVED and value is not None:
                    assert name not in data and isinstance(value, float), name
                    data[name] = value
            sensor = json.dumps(record["sensor_type"])
            time = millis(record["timestamp"])
            print(f'{{"sensor_type":{sensor},"timestamp":{time},"data":{json.dumps(data)}}}')


if __name__ == "__main__":
    main(sys.argv[1])
