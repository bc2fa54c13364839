// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/control_codec.h"

#include <google/protobuf/arena.h>

#include <utility>

#include "base/check.h"
#include "base/limits.h"
#include "coordinator/cluster/batch_word_codec.h"
#include "coordinator/cluster/epoch_word_codec.h"
#include "coordinator/cluster/message_items.h"
#include "coordinator/cluster/part_codec.h"

namespace trident {
namespace {

using google::protobuf::Arena;

template <class Message>
Status Parse(std::string_view bytes, Message* out) {
  if (static_cast<int64_t>(bytes.size()) > kControlMessageBytesMax) {
    return InvalidArgument("expected a message of at most ", kControlMessageBytesMax,
                           " bytes, found one of ", bytes.size());
  }
  TRIDENT_RETURN_IF_ERROR(CheckItems(bytes, *Message::descriptor(), kControlItemsMax));
  if (!out->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("expected a message of the control stream, found ", bytes.size(),
                           " bytes that are none");
  }
  return {};
}

template <class Message>
std::string Serialize(const Message& message) {
  std::string out;
  TRIDENT_CHECK(message.SerializeToString(&out)) << "a message without limits of its own";
  return out;
}

// "word 2 (permit)": which one of a message, as errors name it.
template <class Word>
std::string NameOf(const Word& word, int index) {
  const auto* field = Word::descriptor()->FindFieldByNumber(static_cast<int>(word.word_case()));
  return Concat("word ", index, " (", field == nullptr ? "unknown" : field->name(), ")");
}

StatusOr<LeaderWord> ReadWord(const wire::LeaderWord& in, Epoch epoch) {
  switch (in.word_case()) {
    case wire::LeaderWord::kWelcome:
      return Read(in.welcome(), epoch);
    case wire::LeaderWord::kPromiseAsked:
      return word::PromiseAsked{epoch};
    case wire::LeaderWord::kWriteLog:
      return Read(in.write_log(), epoch);
    case wire::LeaderWord::kSettled:
      return Read(in.settled(), epoch);
    case wire::LeaderWord::kLeaseRound:
      return word::LeaseRound{epoch, in.lease_round()};
    case wire::LeaderWord::kFarewell:
      if (!in.farewell()) return InvalidArgument("expected a farewell that is true, found false");
      return Farewell{epoch};
    default:
      break;
  }
  TRIDENT_ASSIGN_OR_RETURN(WordToWorker word, ReadBatchWord(in));
  return GroupWordToWorker{epoch, GroupId(in.group()), std::move(word)};
}

StatusOr<WorkerWord> ReadWord(const wire::WorkerWord& in, Epoch epoch) {
  switch (in.word_case()) {
    case wire::WorkerWord::kPromised:
      return Read(in.promised(), epoch);
    case wire::WorkerWord::kLogWritten:
      return ReadLogWritten(in.log_written(), epoch);
    case wire::WorkerWord::kRefused:
      return Read(in.refused(), epoch);
    case wire::WorkerWord::kLeaseAcknowledged:
      return Read(in.lease_acknowledged(), epoch);
    default:
      break;
  }
  TRIDENT_ASSIGN_OR_RETURN(WordToLeader word, ReadBatchWord(in));
  return GroupWordToLeader{epoch, GroupId(in.group()), std::move(word)};
}

template <class Message, class Word>
std::string EncodeWord(const Word& word) {
  Arena arena;
  auto* message = Arena::CreateMessage<Message>(&arena);
  auto* added = message->add_words();
  std::visit(
      [&](const auto& w) {
        TRIDENT_CHECK_NE(w.epoch.value(), 0U) << "a word of no epoch";
        added->set_epoch(w.epoch.value());
        WriteTo(added, w);
      },
      word);
  return Serialize(*message);
}

template <class Word, class Message>
StatusOr<std::vector<Word>> ReadWords(const Message& in) {
  std::vector<Word> out;
  out.reserve(static_cast<size_t>(in.words_size()));
  for (int i = 0; i < in.words_size(); ++i) {
    const auto& word = in.words(i);
    if (word.epoch() == 0) {
      return InvalidArgument(NameOf(word, i), ": epoch: expected at least 1, found 0");
    }
    auto read = ReadWord(word, Epoch(word.epoch()));
    if (!read.ok()) return Annotate(read.status(), NameOf(word, i));
    out.push_back(*std::move(read));
  }
  return out;
}

StatusOr<WorkerHello> ReadHello(const wire::Hello& in) {
  if (in.incarnation() == 0) {
    return InvalidArgument("hello: incarnation: expected at least 1, found 0");
  }
  return WorkerHello{.worker = WorkerId(in.worker()),
                     .incarnation = Incarnation(in.incarnation()),
                     .store = in.store(),
                     .topology = in.topology(),
                     .plan_fingerprint = in.plan_fingerprint(),
                     .protocol_version = in.protocol_version(),
                     .exchange_address = in.exchange_address()};
}

}  // namespace

std::string EncodeMessage(const LeaderWord& word) { return EncodeWord<wire::ToWorker>(word); }

std::string EncodeMessage(const WorkerWord& word) { return EncodeWord<wire::ToLeader>(word); }

std::string EncodeMessage(const WorkerHello& hello) {
  wire::ToLeader message;
  wire::Hello* out = message.mutable_hello();
  out->set_worker(hello.worker.value());
  out->set_incarnation(hello.incarnation.value());
  out->set_store(hello.store);
  out->set_topology(hello.topology);
  out->set_plan_fingerprint(hello.plan_fingerprint);
  out->set_protocol_version(hello.protocol_version);
  out->set_exchange_address(hello.exchange_address);
  return Serialize(message);
}

StatusOr<std::vector<LeaderWord>> DecodeMessageToWorker(std::string_view bytes) {
  Arena arena;
  auto* message = Arena::CreateMessage<wire::ToWorker>(&arena);
  TRIDENT_RETURN_IF_ERROR(Parse(bytes, message));
  return ReadWords<LeaderWord>(*message);
}

StatusOr<MessageToLeader> DecodeMessageToLeader(std::string_view bytes) {
  Arena arena;
  auto* message = Arena::CreateMessage<wire::ToLeader>(&arena);
  TRIDENT_RETURN_IF_ERROR(Parse(bytes, message));
  MessageToLeader out;
  if (message->has_hello()) {
    TRIDENT_ASSIGN_OR_RETURN(out.hello, ReadHello(message->hello()));
  }
  TRIDENT_ASSIGN_OR_RETURN(out.words, ReadWords<WorkerWord>(*message));
  return out;
}

}  // namespace trident
