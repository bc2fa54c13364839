// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/part_codec.h"

namespace trident {

Status MissingPart(std::string_view field, std::string_view part) {
  return InvalidArgument(field, ": expected a ", part, ", found none");
}

void Write(const BatchId& id, wire::Batch* out) {
  out->set_txid(id.txid.value());
  out->set_epoch(id.attempt.epoch.value());
  out->set_counter(id.attempt.counter);
}

void Write(const Attempt& attempt, wire::Attempt* out) {
  out->set_epoch(attempt.epoch.value());
  out->set_counter(attempt.counter);
}

void Write(EmitterId emitter, wire::Emitter* out) {
  out->set_spout(emitter.spout.value());
  out->set_task(emitter.task);
}

void Write(const SourcePosition& position, wire::Position* out) {
  out->set_partition(position.partition);
  out->set_position(position.position);
}

void Write(const SourceRange& range, wire::Range* out) {
  out->set_spout(range.emitter.spout.value());
  out->set_task(range.emitter.task);
  out->set_partition(range.partition);
  out->set_start(range.start);
  out->set_end(range.end);
  out->set_rows(range.rows);
  out->set_bytes(range.bytes);
  out->set_checksum(range.checksum);
}

void Write(const BatchCut& cut, wire::Cut* out) {
  WriteAll(cut.ranges, out->mutable_ranges());
  out->set_rows(cut.rows);
  out->set_rows_diverted(cut.rows_diverted);
  out->set_batch_time_micros(cut.batch_time_micros);
}

void WriteLife(WorkerId worker, Incarnation incarnation, wire::Life* out) {
  out->set_worker(worker.value());
  out->set_incarnation(incarnation.value());
}

void WriteLife(EmitterId emitter, Incarnation incarnation, wire::EmitterLife* out) {
  out->set_spout(emitter.spout.value());
  out->set_task(emitter.task);
  out->set_incarnation(incarnation.value());
}

StatusOr<BatchId> Read(const wire::Batch& in, GroupId group) {
  if (in.txid() == 0) return InvalidArgument("batch: expected a txid of at least 1, found 0");
  if (in.epoch() == 0) return InvalidArgument("batch: expected an epoch of at least 1, found 0");
  return BatchId{group, TxId(in.txid()), Attempt{Epoch(in.epoch()), in.counter()}};
}

Attempt Read(const wire::Attempt& in) { return {Epoch(in.epoch()), in.counter()}; }

EmitterId Read(const wire::Emitter& in) { return {SpoutId(in.spout()), in.task()}; }

SourcePosition Read(const wire::Position& in) {
  return {.partition = in.partition(), .position = in.position()};
}

SourceRange Read(const wire::Range& in) {
  return {.emitter = {SpoutId(in.spout()), in.task()},
          .partition = in.partition(),
          .start = in.start(),
          .end = in.end(),
          .rows = in.rows(),
          .bytes = in.bytes(),
          .checksum = in.checksum()};
}

BatchCut Read(const wire::Cut& in) {
  return {.ranges = ReadAll<SourceRange>(in.ranges()),
          .rows = in.rows(),
          .rows_diverted = in.rows_diverted(),
          .batch_time_micros = in.batch_time_micros()};
}

}  // namespace trident
