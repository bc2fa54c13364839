// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/links/random_messages.h"

#include <algorithm>
#include <memory>

#include "base/hash.h"
#include "engine/data/field.h"

namespace trident {

SchemaRef RowSchema() {
  static const SchemaRef* const schema = new SchemaRef(std::make_shared<const Schema>(
      *Schema::Make(Fields(Field<Text>{"word"}, Field<int64_t>{"count"}).Describe())));
  return *schema;
}

Slice RandomRows(Rng& rng, size_t rows) {
  auto text = std::make_shared<std::string>(rows * 8, 'a');
  for (char& c : *text) c = static_cast<char>('a' + rng.Below(26));
  auto words = std::make_shared<ColumnOf<Text>>();
  auto counts = std::make_shared<ColumnOf<int64_t>>();
  for (size_t i = 0; i < rows; ++i) {
    words->Append(Text(*text).substr(8 * i, rng.Below(9)));
    counts->Append(static_cast<int64_t>(rng()));
  }
  words->Retain(text);
  return Slice(RowSchema(), {words, counts}, rows);
}

namespace {

std::string Address(const TaskAddress& task) { return Concat(task.stage.value(), "/", task.task); }

template <class Message>
std::string Envelope(const Message& m) {
  return Concat("batch ", m.id.group.value(), "/", ToString(m.id.txid), "/", ToString(m.id.attempt),
                " from ", Address(m.from), " to ", Address(m.to), " along ", m.edge, " at ",
                m.batch_time_micros);
}

}  // namespace

std::string Described(const DataMessage& message) {
  if (const auto* end = std::get_if<EndMarker>(&message)) {
    return Concat("end ", Envelope(*end), " frames ", end->frames, " checksum ", end->checksum);
  }
  const auto& frame = std::get<DataFrame>(message);
  const auto& payload = dynamic_cast<const FramePayload&>(*frame.payload);
  std::string out = Concat("frame ", Envelope(frame), " number ", frame.number, ":");
  const StatusOr<Slice> rows = payload.Decode(*SliceDecoder::Make(RowSchema()));
  if (!rows.ok()) return out + " " + rows.status().ToString();
  for (size_t i = 0; i < rows->rows(); ++i) out += " " + RowText(rows->Row(i));
  return out;
}

BatchId RandomMessages::AnyId() {
  return {GroupId(static_cast<uint32_t>(rng_.Below(3))),
          TxId(rng_() >> rng_.Below(64)),
          {Epoch(rng_.Below(300)), static_cast<uint32_t>(rng_.Below(300))}};
}

MessageGroup RandomMessages::Next() {
  const double kind = rng_.Unit();
  if (kind < 0.5) return Frame(rng_.Below(40));
  MessageGroup ends = Ends();
  // Some are lost, as when their sender ends meanwhile.
  if (kind < 0.7) std::erase_if(ends, [this](const DataMessage&) { return rng_.Chance(0.3); });
  return ends;
}

DataFrame RandomMessages::Part(const DataFrame& like, uint32_t task, uint64_t first,
                               uint64_t rows) {
  DataFrame part = like;
  part.to.task = task;
  part.number = static_cast<uint32_t>(rng_() >> (32 + rng_.Below(32)));
  const auto& whole = dynamic_cast<const FramePayload&>(*like.payload);
  part.payload = std::make_shared<FramePayload>(whole.frame(), first, rows);
  return part;
}

MessageGroup RandomMessages::Frame(size_t rows) {
  const auto encoded = EncodedFrame::Of(RandomRows(rng_, rows));
  const DataFrame like{.id = AnyId(),
                       .from = {StageId(static_cast<uint32_t>(rng_.Below(9))),
                                static_cast<uint32_t>(rng_.Below(70))},
                       .to = {StageId(1 + static_cast<uint32_t>(rng_.Below(stages_))), 0},
                       .edge = static_cast<uint32_t>(rng_.Below(200)),
                       .number = 0,
                       .batch_time_micros = static_cast<int64_t>(rng_()),
                       .payload = std::make_shared<FramePayload>(encoded, 0, rows)};
  const bool for_all = rng_.Chance(0.2);
  MessageGroup parts;
  uint64_t first = 0;
  for (uint32_t task : tasks_) {
    if (for_all) {
      parts.push_back(Part(like, task, 0, rows));
      continue;
    }
    const uint64_t here = task == tasks_.back() ? rows - first : rng_.Below(rows - first + 1);
    if (here > 0) parts.push_back(Part(like, task, first, here));
    first += here;
  }
  return parts;
}

MessageGroup RandomMessages::Ends() {
  EndMarker end{.id = AnyId(),
                .from = {StageId(static_cast<uint32_t>(rng_.Below(9))),
                         static_cast<uint32_t>(rng_.Below(70))},
                .to = {StageId(1 + static_cast<uint32_t>(rng_.Below(stages_))), 0},
                .edge = static_cast<uint32_t>(rng_.Below(200)),
                .frames = 0,
                .checksum = 0,
                .batch_time_micros = static_cast<int64_t>(rng_())};
  MessageGroup ends;
  for (uint32_t task : tasks_) {
    end.to.task = task;
    end.frames = rng_.Chance(0.7) ? 0 : static_cast<uint32_t>(rng_());
    end.checksum = end.frames == 0 ? 0 : rng_();
    ends.push_back(end);
  }
  return ends;
}

}  // namespace trident
