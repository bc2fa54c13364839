// SPDX-License-Identifier: Apache-2.0
//
// The parts that words share, as messages and back. Write fills a new message. Read gives
// InvalidArgument with what was expected and found; the caller puts word and field before it.
#ifndef TRIDENT_COORDINATOR_CLUSTER_PART_CODEC_H_
#define TRIDENT_COORDINATOR_CLUSTER_PART_CODEC_H_

#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/source.h"
#include "base/status.h"
#include "engine/transport/words.h"
#include "proto/control.pb.h"

namespace trident {

namespace wire = control::v1;

// "`field`: expected a `part`, found none".
Status MissingPart(std::string_view field, std::string_view part);

void Write(const BatchId& id, wire::Batch* out);
void Write(const Attempt& attempt, wire::Attempt* out);
void Write(EmitterId emitter, wire::Emitter* out);
void Write(const SourcePosition& position, wire::Position* out);
void Write(const SourceRange& range, wire::Range* out);
void Write(const BatchCut& cut, wire::Cut* out);
void WriteLife(WorkerId worker, Incarnation incarnation, wire::Life* out);
void WriteLife(EmitterId emitter, Incarnation incarnation, wire::EmitterLife* out);

// The batch is one of `group`.
StatusOr<BatchId> Read(const wire::Batch& in, GroupId group);
Attempt Read(const wire::Attempt& in);
EmitterId Read(const wire::Emitter& in);
SourcePosition Read(const wire::Position& in);
SourceRange Read(const wire::Range& in);
BatchCut Read(const wire::Cut& in);

template <class Value, class Message>
void WriteAll(const std::vector<Value>& values, Message* out) {
  out->Reserve(static_cast<int>(values.size()));
  for (const Value& value : values) Write(value, out->Add());
}

// Of parts that can always be read.
template <class Value, class Messages>
std::vector<Value> ReadAll(const Messages& in) {
  std::vector<Value> out;
  out.reserve(static_cast<size_t>(in.size()));
  for (const auto& message : in) out.push_back(Read(message));
  return out;
}

// The parts that a word requires, by the names that they have in every word.
template <class Message>
StatusOr<BatchId> ReadBatch(const Message& in, GroupId group) {
  if (!in.has_batch()) return MissingPart("batch", "txid and attempt");
  return Read(in.batch(), group);
}
template <class Message, class Word>
Status ReadLife(const Message& in, Word& out) {
  if (!in.has_life()) return MissingPart("life", "worker and its incarnation");
  out.worker = WorkerId(in.life().worker());
  out.incarnation = Incarnation(in.life().incarnation());
  return {};
}
template <class Message, class Word>
Status ReadEmitter(const Message& in, Word& out) {
  if (!in.has_emitter()) return MissingPart("emitter", "spout task and its incarnation");
  out.emitter = EmitterId{SpoutId(in.emitter().spout()), in.emitter().task()};
  out.incarnation = Incarnation(in.emitter().incarnation());
  return {};
}

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_PART_CODEC_H_
