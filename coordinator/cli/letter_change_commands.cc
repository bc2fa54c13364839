// SPDX-License-Identifier: Apache-2.0
//
// `deadletters retry` and `drop`: the letters are asked for part by part, and looked at until the
// topology has committed what was asked.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "coordinator/cli/dead_letter_commands.h"
#include "coordinator/cli/json.h"
#include "coordinator/cli/letter_reading.h"

namespace trident {
namespace {

using Now = LetterStanding::Now;

constexpr Nanos kLookEvery = 20 * kMillisecond;

class LetterChange {
 public:
  LetterChange(Client& client, LetterAction action, Console& console)
      : client_(client), action_(action), console_(console) {}

  // Asks for all of them and waits for what becomes of them.
  Status Do(std::vector<LetterName> letters) {
    std::reverse(letters.begin(), letters.end());  // the next ones stand at the end
    while (!letters.empty()) {
      const size_t n = std::min(letters.size(), kLettersPerCallMax);
      std::vector<LetterName> part(letters.rbegin(), letters.rbegin() + static_cast<int64_t>(n));
      letters.resize(letters.size() - n);
      TRIDENT_ASSIGN_OR_RETURN(std::vector<LetterName> later, DoPart(std::move(part)));
      letters.insert(letters.end(), later.rbegin(), later.rend());
    }
    return {};
  }
  bool AllGone() const { return again_ + refused_ == 0; }
  void PrintSum() const {
    if (console_.json()) return;
    const bool retry = action_ == LetterAction::kRetry;
    console_.out << (retry ? "retried: " : "dropped: ") << gone_
                 << (gone_ == 1 ? " letter is" : " letters are") << " gone";
    if (again_ > 0) {
      console_.out << ", " << again_ << (again_ == 1 ? " is a letter" : " are letters") << " still";
    }
    if (refused_ > 0) console_.out << ", " << refused_ << " refused";
    console_.out << '\n';
  }

 private:
  // Returns those for which there was no room.
  StatusOr<std::vector<LetterName>> DoPart(std::vector<LetterName> part) {
    std::vector<LetterName> later;
    TRIDENT_ASSIGN_OR_RETURN(const auto asked, client_.DoWithLetters(action_, part));
    std::vector<LetterName> waiting;
    for (size_t i = 0; i < part.size(); ++i) {
      if (asked[i].now == Now::kNoRoom) {
        later.push_back(part[i]);
      } else if (asked[i].now == Now::kUnderWay) {
        waiting.push_back(part[i]);
      } else {
        Print(part[i], asked[i]);
      }
    }
    if (waiting.empty() && later.size() == part.size()) {
      return ResourceExhausted("letters of others wait to be tried again: ", asked[0].why);
    }
    Nanos moved = RealClock().MonotonicNanos();
    while (!waiting.empty()) {
      TRIDENT_ASSIGN_OR_RETURN(std::vector<LetterName> left, Look(waiting));
      const Nanos now = RealClock().MonotonicNanos();
      if (left.size() < waiting.size()) moved = now;
      waiting = std::move(left);
      if (now - moved > client_.timeout()) {
        return DeadlineExceeded(
            waiting.size(),
            " letters were asked for and wait for their batch still; see with "
            "`trident batches` what it waits for, and with `trident deadletters "
            "list` what is left");
      }
      if (!waiting.empty()) Pause();
    }
    return later;
  }
  StatusOr<std::vector<LetterName>> Look(const std::vector<LetterName>& waiting) {
    TRIDENT_ASSIGN_OR_RETURN(const auto seen, client_.DoWithLetters(LetterAction::kLook, waiting));
    std::vector<LetterName> left;
    for (size_t i = 0; i < waiting.size(); ++i) {
      seen[i].now == Now::kUnderWay ? left.push_back(waiting[i]) : Print(waiting[i], seen[i]);
    }
    return left;
  }
  void Print(const LetterName& letter, const LetterStanding& standing) {
    const bool gone = standing.now == Now::kGone;
    const bool again = standing.now == Now::kThere;
    ++(gone ? gone_ : again ? again_ : refused_);
    if (console_.json()) {
      JsonObject object;
      object.Add("stream", JsonText(letter.stream))
          .Add("txid", JsonNumber(static_cast<uint64_t>(letter.txid)))
          .Add("row", JsonNumber(static_cast<uint64_t>(letter.row)))
          .Add("now", JsonText(gone    ? "gone"
                               : again ? "letter"
                                       : "refused"));
      if (!gone && !again) object.Add("why", JsonText(standing.why));
      console_.out << object.Done() << '\n';
      return;
    }
    if (gone) return;
    console_.out << OneLine(letter.stream) << ' ' << letter.txid << ' ' << letter.row
                 << (again ? ": is a letter still" : ": refused: ") << OneLine(standing.why)
                 << '\n';
  }
  static void Pause() {
    Mutex mutex;
    CondVar nobody;
    MutexLock lock(mutex);
    nobody.WaitFor(mutex, kLookEvery);
  }

  Client& client_;
  const LetterAction action_;
  Console& console_;
  uint64_t gone_ = 0;
  uint64_t again_ = 0;
  uint64_t refused_ = 0;
};

StatusOr<std::vector<LetterName>> NamesOf(Client& client, const LetterArgs& args) {
  if (args.key.empty() && args.step.empty() && args.which == LetterArgs::Which::kNamed) {
    return InvalidArgument(
        "say which letters: STREAM [TXID [ROW]], --step NAME, or --all for every one");
  }
  TRIDENT_ASSIGN_OR_RETURN(const auto wanted, WantedLetters(args));
  std::vector<LetterName> names;
  const auto take = [&](const Letter& letter) {
    if (wanted(letter)) names.push_back({letter.stream, letter.txid, letter.number});
  };
  TRIDENT_RETURN_IF_ERROR(ForEachLetter(&client, args, take));
  if (names.empty() && args.which == LetterArgs::Which::kNamed) return NoSuchLetter();
  return names;
}

}  // namespace

ExitCode ChangeLetters(Client& client, LetterAction action, const LetterArgs& args,
                       Console& console) {
  StatusOr<std::vector<LetterName>> names = NamesOf(client, args);
  if (!names.ok()) return Report(console, names.status());
  LetterChange change(client, action, console);
  const Status done = change.Do(*std::move(names));
  change.PrintSum();
  if (done.code() == StatusCode::kUnavailable) {
    return Report(console, Annotate(done,
                                    "what was asked and is not committed is forgotten when "
                                    "the process ends, and its letters stay"));
  }
  if (!done.ok()) return Report(console, done);
  return change.AllGone() ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace trident
