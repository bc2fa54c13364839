// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/batch_word_codec.h"

#include <utility>

#include "base/check.h"
#include "coordinator/cluster/part_codec.h"

namespace trident {
namespace {

static_assert(static_cast<int>(word::EmitMode::kNew) == wire::Emit::NEW);
static_assert(static_cast<int>(word::EmitMode::kExact) == wire::Emit::EXACT);
static_assert(static_cast<int>(word::EmitMode::kSingle) == wire::Emit::SINGLE);
static_assert(static_cast<int>(word::EmitMode::kDivert) == wire::Emit::DIVERT);
static_assert(static_cast<int>(word::Remaining::kMore) == wire::Emitted::MORE);
static_assert(static_cast<int>(word::Remaining::kExhausted) == wire::Emitted::EXHAUSTED);

// The last of absl's codes, which are gRPC's.
constexpr uint32_t kLastCode = static_cast<uint32_t>(StatusCode::kUnauthenticated);

// ---- to a worker ----

void WriteTo(wire::LeaderWord* out, const word::Begin& in) {
  wire::Begin* begin = out->mutable_begin();
  Write(in.id, begin->mutable_batch());
  Write(in.prev_attempt, begin->mutable_previous());
  WriteAll(in.emitters, begin->mutable_emitters());
  begin->set_batch_time_micros(in.batch_time_micros);
}

void WriteTo(wire::LeaderWord* out, const word::Emit& in) {
  wire::Emit* emit = out->mutable_emit();
  Write(in.id, emit->mutable_batch());
  WriteLife(in.emitter, in.incarnation, emit->mutable_emitter());
  emit->set_mode(static_cast<wire::Emit::Mode>(in.mode));
  emit->set_rows_max(in.limits.rows);
  emit->set_bytes_max(in.limits.bytes);
  WriteAll(in.starts, emit->mutable_starts());
  WriteAll(in.exact, emit->mutable_exact());
  emit->set_cause(in.cause);
  emit->set_batch_time_micros(in.batch_time_micros);
}

void WriteTo(wire::LeaderWord* out, const word::Permit& in) {
  wire::Permit* permit = out->mutable_permit();
  Write(in.id, permit->mutable_batch());
  Write(in.prev_attempt, permit->mutable_previous());
  if (in.cut != nullptr) Write(*in.cut, permit->mutable_cut());
}

void WriteTo(wire::LeaderWord* out, const word::Apply& in) { Write(in.id, out->mutable_apply()); }

void WriteTo(wire::LeaderWord* out, const word::Publish& in) {
  Write(in.id, out->mutable_publish());
}

void WriteTo(wire::LeaderWord* out, const word::Abort& in) {
  WriteAll(in.cancelled, out->mutable_abort()->mutable_cancelled());
}

StatusOr<WordToWorker> ReadWord(const wire::Begin& in, GroupId group) {
  TRIDENT_ASSIGN_OR_RETURN(const BatchId id, ReadBatch(in, group));
  return word::Begin{.id = id,
                     .prev_attempt = Read(in.previous()),
                     .emitters = ReadAll<EmitterId>(in.emitters()),
                     .batch_time_micros = in.batch_time_micros()};
}

StatusOr<WordToWorker> ReadWord(const wire::Emit& in, GroupId group) {
  word::Emit out;
  TRIDENT_ASSIGN_OR_RETURN(out.id, ReadBatch(in, group));
  TRIDENT_RETURN_IF_ERROR(ReadEmitter(in, out));
  if (!wire::Emit::Mode_IsValid(in.mode())) {
    return InvalidArgument("mode: expected a number from 0 to 3, found ",
                           static_cast<int>(in.mode()));
  }
  out.mode = static_cast<word::EmitMode>(in.mode());
  out.limits = {.rows = in.rows_max(), .bytes = in.bytes_max()};
  if (out.mode == word::EmitMode::kNew && out.limits.rows == 0) {
    return InvalidArgument("rows_max: expected at least 1 for new rows, found 0");
  }
  out.starts = ReadAll<SourcePosition>(in.starts());
  out.exact = ReadAll<SourceRange>(in.exact());
  out.cause = in.cause();
  out.batch_time_micros = in.batch_time_micros();
  return out;
}

StatusOr<WordToWorker> ReadWord(const wire::Permit& in, GroupId group) {
  TRIDENT_ASSIGN_OR_RETURN(const BatchId id, ReadBatch(in, group));
  word::Permit out{.id = id, .prev_attempt = Read(in.previous())};
  if (in.has_cut()) out.cut = std::make_shared<const BatchCut>(Read(in.cut()));
  return out;
}

StatusOr<WordToWorker> ReadWord(const wire::Abort& in, GroupId group) {
  if (in.cancelled_size() == 0) {
    return InvalidArgument("cancelled: expected at least one batch, found none");
  }
  word::Abort out;
  for (const wire::Batch& batch : in.cancelled()) {
    TRIDENT_ASSIGN_OR_RETURN(const BatchId id, Read(batch, group));
    if (!out.cancelled.empty() && out.cancelled.back().txid >= id.txid) {
      return InvalidArgument("cancelled: expected batches in txid order, found ", id.txid.value(),
                             " after ", out.cancelled.back().txid.value());
    }
    out.cancelled.push_back(id);
  }
  return out;
}

// ---- to the leader ----

void WriteTo(wire::WorkerWord* out, const word::WorkerJoined& in) {
  wire::WorkerJoined* joined = out->mutable_joined();
  WriteLife(in.worker, in.incarnation, joined->mutable_life());
  joined->set_applied(in.applied.value());
}

void WriteTo(wire::WorkerWord* out, const word::EmitterStarted& in) {
  WriteLife(in.emitter, in.incarnation, out->mutable_emitter_started());
}

void WriteTo(wire::WorkerWord* out, const word::InputReady& in) {
  WriteLife(in.emitter, in.incarnation, out->mutable_input_ready());
}

void WriteTo(wire::WorkerWord* out, const word::InputEnded& in) {
  Write(in.emitter, out->mutable_input_ended());
}

void WriteTo(wire::WorkerWord* out, const word::Emitted& in) {
  wire::Emitted* emitted = out->mutable_emitted();
  Write(in.id, emitted->mutable_batch());
  WriteLife(in.emitter, in.incarnation, emitted->mutable_emitter());
  WriteAll(in.ranges, emitted->mutable_ranges());
  emitted->set_remaining(static_cast<wire::Emitted::Remaining>(in.remaining));
  emitted->set_rows_aside(in.rows_aside);
}

void WriteTo(wire::WorkerWord* out, const word::Progressed& in) {
  Write(in.id, out->mutable_progressed());
}

void WriteTo(wire::WorkerWord* out, const word::Failed& in) {
  TRIDENT_CHECK(!in.cause.ok()) << "an attempt that failed has a cause";
  wire::Failed* failed = out->mutable_failed();
  Write(in.id, failed->mutable_batch());
  // A code that is not one of absl's own counts as unknown, as it does there.
  failed->set_code(static_cast<uint32_t>(in.cause.code()));
  failed->set_message(std::string(Message(in.cause)));
  if (in.emitter) Write(*in.emitter, failed->mutable_emitter());
}

void WriteTo(wire::WorkerWord* out, const word::Voted& in) {
  wire::Voted* voted = out->mutable_voted();
  Write(in.id, voted->mutable_batch());
  WriteLife(in.worker, in.incarnation, voted->mutable_life());
  voted->set_rows(in.rows);
  voted->set_checksum(in.checksum);
}

void WriteTo(wire::WorkerWord* out, const word::Voided& in) {
  wire::Voided* voided = out->mutable_voided();
  Write(in.id, voided->mutable_batch());
  WriteLife(in.worker, in.incarnation, voided->mutable_life());
}

void WriteTo(wire::WorkerWord* out, const word::Applied& in) {
  wire::Applied* applied = out->mutable_applied();
  applied->set_txid(in.txid.value());
  WriteLife(in.worker, in.incarnation, applied->mutable_life());
}

void WriteTo(wire::WorkerWord* out, const word::Hold& in) {
  WriteLife(in.worker, in.incarnation, out->mutable_hold());
}

void WriteTo(wire::WorkerWord* out, const word::Release& in) {
  WriteLife(in.worker, in.incarnation, out->mutable_release());
}

StatusOr<WordToLeader> ReadWord(const wire::WorkerJoined& in) {
  word::WorkerJoined out;
  TRIDENT_RETURN_IF_ERROR(ReadLife(in, out));
  out.applied = TxId(in.applied());
  return out;
}

// EmitterStarted and InputReady.
template <class Word>
StatusOr<WordToLeader> ReadWord(const wire::EmitterLife& in) {
  return Word{{SpoutId(in.spout()), in.task()}, Incarnation(in.incarnation())};
}

// Hold and Release.
template <class Word>
StatusOr<WordToLeader> ReadWord(const wire::Life& in) {
  return Word{WorkerId(in.worker()), Incarnation(in.incarnation())};
}

StatusOr<WordToLeader> ReadWord(const wire::Emitted& in, GroupId group) {
  word::Emitted out;
  TRIDENT_ASSIGN_OR_RETURN(out.id, ReadBatch(in, group));
  TRIDENT_RETURN_IF_ERROR(ReadEmitter(in, out));
  if (!wire::Emitted::Remaining_IsValid(in.remaining())) {
    return InvalidArgument("remaining: expected a number from 0 to 1, found ",
                           static_cast<int>(in.remaining()));
  }
  out.ranges = ReadAll<SourceRange>(in.ranges());
  out.remaining = static_cast<word::Remaining>(in.remaining());
  out.rows_aside = in.rows_aside();
  return out;
}

StatusOr<WordToLeader> ReadWord(const wire::Failed& in, GroupId group) {
  TRIDENT_ASSIGN_OR_RETURN(const BatchId id, ReadBatch(in, group));
  if (in.code() == 0 || in.code() > kLastCode) {
    return InvalidArgument("code: expected the code of an error, from 1 to ", kLastCode, ", found ",
                           in.code());
  }
  word::Failed out{.id = id, .cause = Status(static_cast<StatusCode>(in.code()), in.message())};
  if (in.has_emitter()) out.emitter = Read(in.emitter());
  return out;
}

StatusOr<WordToLeader> ReadWord(const wire::Voted& in, GroupId group) {
  word::Voted out;
  TRIDENT_ASSIGN_OR_RETURN(out.id, ReadBatch(in, group));
  TRIDENT_RETURN_IF_ERROR(ReadLife(in, out));
  out.rows = in.rows();
  out.checksum = in.checksum();
  return out;
}

StatusOr<WordToLeader> ReadWord(const wire::Voided& in, GroupId group) {
  word::Voided out;
  TRIDENT_ASSIGN_OR_RETURN(out.id, ReadBatch(in, group));
  TRIDENT_RETURN_IF_ERROR(ReadLife(in, out));
  return out;
}

StatusOr<WordToLeader> ReadWord(const wire::Applied& in) {
  word::Applied out;
  TRIDENT_RETURN_IF_ERROR(ReadLife(in, out));
  out.txid = TxId(in.txid());
  return out;
}

// Apply, Publish and Progressed.
template <class Word, class Words>
StatusOr<Words> ReadIdAlone(const wire::Batch& in, GroupId group) {
  TRIDENT_ASSIGN_OR_RETURN(const BatchId id, Read(in, group));
  return Word{id};
}

void CheckGroup(const BatchId& id, GroupId group) {
  TRIDENT_CHECK_EQ(id.group.value(), group.value()) << "a word about a batch of another group";
}

template <class Word>
void CheckGroup(const Word& word, GroupId group) {
  if constexpr (requires { word.id; }) CheckGroup(word.id, group);
  if constexpr (requires { word.cancelled; }) {
    for (const BatchId& id : word.cancelled) CheckGroup(id, group);
  }
}

template <class GroupWord, class Message>
void WriteGroupWord(const GroupWord& word, Message* out) {
  out->set_group(word.group.value());
  std::visit(
      [&](const auto& w) {
        CheckGroup(w, word.group);
        WriteTo(out, w);
      },
      word.word);
}

}  // namespace

void WriteTo(wire::LeaderWord* out, const GroupWordToWorker& in) { WriteGroupWord(in, out); }

void WriteTo(wire::WorkerWord* out, const GroupWordToLeader& in) { WriteGroupWord(in, out); }

StatusOr<WordToWorker> ReadBatchWord(const wire::LeaderWord& in) {
  const GroupId group(in.group());
  switch (in.word_case()) {
    case wire::LeaderWord::kBegin:
      return ReadWord(in.begin(), group);
    case wire::LeaderWord::kEmit:
      return ReadWord(in.emit(), group);
    case wire::LeaderWord::kPermit:
      return ReadWord(in.permit(), group);
    case wire::LeaderWord::kApply:
      return ReadIdAlone<word::Apply, WordToWorker>(in.apply(), group);
    case wire::LeaderWord::kPublish:
      return ReadIdAlone<word::Publish, WordToWorker>(in.publish(), group);
    case wire::LeaderWord::kAbort:
      return ReadWord(in.abort(), group);
    default:
      return InvalidArgument("expected a word that is known here, found none");
  }
}

StatusOr<WordToLeader> ReadBatchWord(const wire::WorkerWord& in) {
  const GroupId group(in.group());
  switch (in.word_case()) {
    case wire::WorkerWord::kJoined:
      return ReadWord(in.joined());
    case wire::WorkerWord::kEmitterStarted:
      return ReadWord<word::EmitterStarted>(in.emitter_started());
    case wire::WorkerWord::kInputReady:
      return ReadWord<word::InputReady>(in.input_ready());
    case wire::WorkerWord::kInputEnded:
      return word::InputEnded{Read(in.input_ended())};
    case wire::WorkerWord::kEmitted:
      return ReadWord(in.emitted(), group);
    case wire::WorkerWord::kProgressed:
      return ReadIdAlone<word::Progressed, WordToLeader>(in.progressed(), group);
    case wire::WorkerWord::kFailed:
      return ReadWord(in.failed(), group);
    case wire::WorkerWord::kVoted:
      return ReadWord(in.voted(), group);
    case wire::WorkerWord::kVoided:
      return ReadWord(in.voided(), group);
    case wire::WorkerWord::kApplied:
      return ReadWord(in.applied());
    case wire::WorkerWord::kHold:
      return ReadWord<word::Hold>(in.hold());
    case wire::WorkerWord::kRelease:
      return ReadWord<word::Release>(in.release());
    default:
      return InvalidArgument("expected a word that is known here, found none");
  }
}

}  // namespace trident
