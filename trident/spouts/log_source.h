// SPDX-License-Identifier: Apache-2.0
//
// LogSource: the class that a program derives from to read a source that has positions of its own:
// a log, a queue with offsets, a table with a growing key. LogSpout makes a spout of it, and does
// the rest of a spout's work (slices, limits, ranges read again, idle sources).
//
//   // Positions are int64 offsets; a row is (user, amount).
//   class LedgerLog final : public LogSource<int64_t, Text, double> {
//    public:
//     explicit LedgerLog(std::shared_ptr<const Ledger> ledger) : ledger_(std::move(ledger)) {}
//
//     StatusOr<std::vector<std::string>> Partitions() override { return ledger_->accounts(); }
//     StatusOr<std::unique_ptr<Reader>> Open(const std::string& account, WakeUp) override {
//       return std::make_unique<AccountReader>(ledger_->account(account));
//     }
//
//    private:
//     class AccountReader final : public Reader {
//      public:
//       explicit AccountReader(const Account& account) : account_(account) {}
//       Status Seek(const int64_t& at) override {
//         if (at < account_.first()) return LogRowsRemoved(at, account_.first());
//         at_ = at;
//         return absl::OkStatus();
//       }
//       StatusOr<Step> Next(Emit<Text, double>& emit) override {
//         if (at_ == account_.end()) return Step::Idle();
//         const Entry entry = account_.at(at_);
//         emit(entry.user, entry.amount);
//         return Step::MovedTo(++at_);
//       }
//      ...
//     };
//     ...
//   };
#ifndef TRIDENT_TRIDENT_SPOUTS_LOG_SOURCE_H_
#define TRIDENT_TRIDENT_SPOUTS_LOG_SOURCE_H_

#include <charconv>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/lag.h"
#include "base/status.h"
#include "trident/functions/emit.h"

namespace trident {

// Turns a position into the text that decision records keep, and back. int64_t, uint64_t and
// std::string have it. Specialise it for a type of your own (say, segment and offset). The type
// needs ==, a default value that is the beginning, and preferably < and the other comparisons:
//
//   template <> struct trident::LogPosition<Place> {
//     static std::string ToText(const Place& at);
//     static std::optional<Place> FromText(std::string_view text);  // nullopt: no such position
//   };
//
// The text must mean the same as long as a state is used. The beginning is never written.
template <class At>
struct LogPosition;

template <class At>
requires(std::same_as<At, int64_t> || std::same_as<At, uint64_t>) struct LogPosition<At> {
  static std::string ToText(At at) { return std::to_string(at); }
  static std::optional<At> FromText(std::string_view text) {
    At at = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), at);
    if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
    return at;
  }
};
template <>
struct LogPosition<std::string> {
  static std::string ToText(const std::string& at) { return at; }
  static std::optional<std::string> FromText(std::string_view text) { return std::string(text); }
};

// True if two positions can be put in order. Text cannot: "9" and "10" may be offsets or words.
template <class At>
concept OrderedLogPosition = std::totally_ordered<At> && !std::same_as<At, std::string>;

// The result of Next.
template <class At>
class LogStep {
 public:
  enum class Kind : uint8_t { kMoved, kCut, kIdle, kEnded };

  // The reader went on to `behind`, over one row, which it emitted, or over something that is no
  // row.
  static LogStep MovedTo(At behind) { return LogStep(Kind::kMoved, std::move(behind)); }
  // The same, and a batch must not go on after that place in this source partition.
  static LogStep CutAt(At behind) { return LogStep(Kind::kCut, std::move(behind)); }
  // Nothing is here now; the reader stands where it stood.
  static LogStep Idle() { return LogStep(Kind::kIdle, At()); }
  // Nothing will ever be here; the reader stands where it stood.
  static LogStep Ended() { return LogStep(Kind::kEnded, At()); }

  Kind kind() const { return kind_; }
  const At& behind() const { return behind_; }

 private:
  LogStep(Kind kind, At behind) : kind_(kind), behind_(std::move(behind)) {}

  Kind kind_;
  At behind_;
};

// The error for a Seek to rows that the source does not have any more. `first` is where it begins
// now.
template <class At>
Status LogRowsRemoved(const At& asked, const At& first) {
  return OutOfRange("rows from position \"", LogPosition<At>::ToText(asked),
                    "\" on were asked for, but the source begins at \"",
                    LogPosition<At>::ToText(first),
                    "\" now; what was before has been removed. Keep rows until they are committed "
                    "(the reader is told), or start with an empty state directory");
}

// A source, cut into source partitions. The spout shares the object with you and calls it on any
// thread, also on several at once. An exception counts as an error.
//
// `AtType` is the type of a position. At() is the beginning of a source partition: 0 or "". A
// position lives as long as the state: a reader that knows nothing else must be able to go on from
// it, in another process, years later. If a source can be replaced by another of the same name, put
// something that tells them apart into the position, and check it in Seek.
template <class AtType, class... Ts>
class LogSource {
 public:
  using At = AtType;
  using WakeUp = std::function<void()>;

  // One source partition at work. The spout owns it. It is called by one thread at a time, which
  // belongs to an executor: while a call blocks, so does everything else there. Destroyed before
  // the source, on any thread.
  class Reader {
   public:
    using Step = LogStep<At>;
    virtual ~Reader() = default;

    // Goes to `at`: the beginning, or a position that Next gave, now or in an earlier life of the
    // program. Called before the first Next, after every error or exception, and whenever reading
    // does not go on where it is. A failed attempt is made again from its start, so `at` may be far
    // before or after the last position.
    // Return an error (LogRowsRemoved makes it) if the rows at `at` are gone or were never there.
    // Do not go to the nearest place instead: that would lose rows or count them twice. A start
    // asks for the committed position, and is refused with an error of the codes OutOfRange,
    // FailedPrecondition, InvalidArgument or DataLoss; after any other one a batch asks again.
    virtual Status Seek(const At& at) = 0;

    // Goes one step on from here. If there is a row, emits it and returns the position after it,
    // where the next one stands; that position must not depend on the rows before. Emits at most
    // one row: if a record holds several, unfold them in an Each after the spout. A record that is
    // no row (a tombstone, a filtered one) is a step that emits nothing. Emitted values are copied,
    // so they need not outlive the call. Positions grow with each step; for text it is checked only
    // that they change.
    // Also called to learn whether there is more; the row then waits for the next slice.
    // After Idle or Ended it is called again, without a Seek. Rows may have been removed meanwhile:
    // check that, as in Seek.
    // An error fails the attempt, of which nothing is kept, and the attempt is made again. Say in
    // the message what to try; the source partition and the position are put before it.
    virtual StatusOr<Step> Next(Emit<Ts...>& emit) = 0;

    // Tells that all rows before `at` are committed at `txid`, durable and visible: let go of them,
    // or acknowledge them. A crash may swallow the call; the next one covers it. An exception is
    // logged and forgotten.
    virtual void Committed(TxId /*txid*/, const At& /*at*/) {}
  };

  virtual ~LogSource() = default;

  // The names of the source partitions, in a stable order. They live in decision records: a name
  // must mean the same after a restart. Called when the topology starts and not again: a partition
  // that appears later is read, from its beginning, after the next start. The spout answers
  // InvalidArgument if there are none, or two of one name.
  virtual StatusOr<std::vector<std::string>> Partitions() = 0;

  // Opens a reader of one partition; its first call is Seek. `wake_up` makes an idle spout ask
  // again. You may keep it and call it from any thread, as often as you like. Once the topology has
  // stopped it does nothing. If you do not use it, idle partitions are asked every
  // LogOptions::poll_nanos.
  virtual StatusOr<std::unique_ptr<Reader>> Open(const std::string& partition, WakeUp wake_up) = 0;

  // The amount that waits at and after `at`, in rows or bytes; people see it as lag. Look at a size
  // or a counter, do not read the rows: it is called while readers work, about once a second. The
  // lag is unknown if this is not overridden, if it throws, or if `at` is no position of the
  // source.
  virtual Backlog BacklogAfter(const std::string& /*partition*/, const At& /*at*/) { return {}; }
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_LOG_SOURCE_H_
