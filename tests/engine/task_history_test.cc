// SPDX-License-Identifier: Apache-2.0
//
// Seeded histories of one task: a coordinator that cuts, permits, cancels and decides, and a
// network that delays, reorders and repeats all of it but the decisions. After every message the
// task must answer what a plain model answers, and hold what it holds.
//
// TRIDENT_SEED=n repeats one history; TRIDENT_SOAK=1 plays many more.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/rng.h"
#include "base/status.h"
#include "engine/task.h"
#include "tests/engine/sum_operator.h"

namespace trident {
namespace {

using Outcome = Task::Outcome;

constexpr GroupId kGroup(1);
constexpr StageId kUpstream(0);
constexpr TaskAddress kTo{StageId(1), 0};
constexpr uint32_t kUpstreamTasks = 2;
constexpr size_t kInFlightMax = 5;

// ---- the model ----

// One attempt: what its upstream tasks send, and how far it has come here.
struct Sent {
  std::vector<std::vector<int64_t>> lanes;  // by upstream task
  std::set<std::pair<uint32_t, uint32_t>> frames_here;
  std::set<uint32_t> ends_here;
  std::optional<Attempt> prev;  // once the permit is here
  bool failed = false;
  bool done = false;
  int64_t record = 0;  // once it is done

  int64_t Sum() const {
    int64_t sum = 0;
    for (const auto& lane : lanes) {
      for (int64_t value : lane) sum += value;
    }
    return sum;
  }
  bool HasZero() const {
    for (const auto& lane : lanes) {
      for (int64_t value : lane) {
        if (value == 0) return true;
      }
    }
    return false;
  }
  // In the one order of processing: kDone at its end, kFailed at a negative value, kWaiting where
  // something is not here yet.
  Outcome Process() const {
    for (uint32_t task = 0; task < lanes.size(); ++task) {
      for (uint32_t number = 0; number < lanes[task].size(); ++number) {
        if (!frames_here.contains({task, number})) return Outcome::kWaiting;
        if (lanes[task][number] < 0) return Outcome::kFailed;
      }
      if (!ends_here.contains(task)) return Outcome::kWaiting;
    }
    return Outcome::kDone;
  }
};

// What a task is to answer. Attempts are numbered txid by txid.
class TaskModel {
 public:
  // Null: stale. `lanes` is what the attempt will consist of.
  Sent* Hear(const BatchId& id, const std::vector<std::vector<int64_t>>& lanes) {
    if (auto it = here_.find(id.txid); it != here_.end() && it->second.first == id) {
      return &it->second.second;
    }
    if (IsCancelled(id)) return nullptr;
    Abort(id.txid, id.attempt);
    auto& [heard, sent] = here_[id.txid];
    heard = id;
    sent.lanes = lanes;
    return &sent;
  }
  void Abort(TxId txid, Attempt before) {
    marks_.emplace_back(txid, before);
    auto it = here_.find(txid);
    if (it == here_.end() || it->second.first.attempt >= before) return;
    // All that was staged over it goes with it.
    const TxId staged_up_to = StagedUpTo().txid;
    const bool was_staged = it->second.second.done;
    here_.erase(it);
    for (TxId later = txid.Next(); was_staged && later <= staged_up_to; later = later.Next()) {
      const Attempt built = here_.at(later).first.attempt;
      marks_.emplace_back(later, Attempt{built.epoch, built.counter + 1});
      here_.erase(later);
    }
  }
  // What a message that has been noted in `sent` leads to.
  Outcome Advance(TxId txid, Sent& sent) {
    if (sent.failed || sent.done) return Outcome::kWaiting;
    const Outcome processed = sent.Process();
    if (processed == Outcome::kFailed) sent.failed = true;
    if (processed != Outcome::kDone) return processed;
    if (!sent.prev || txid != StagedUpTo().txid.Next() || *sent.prev != StagedUpTo().attempt) {
      return Outcome::kWaiting;
    }
    sent.failed = sent.HasZero();
    if (sent.failed) return Outcome::kFailed;
    sent.record = SumUpTo(txid.Prev()) + sent.Sum();
    sent.done = true;
    return Outcome::kDone;
  }
  void Apply(const BatchId& id) {
    sum_ = here_.at(id.txid).second.record;
    here_.erase(id.txid);
    applied_ = id;
  }

  bool IsDone(const BatchId& id) const {
    auto it = here_.find(id.txid);
    return it != here_.end() && it->second.first == id && it->second.second.done;
  }
  BatchId StagedUpTo() const {
    BatchId top = applied_;
    for (const auto& [txid, entry] : here_) {
      if (txid == top.txid.Next() && entry.second.done) top = entry.first;
    }
    return top;
  }
  const std::map<TxId, std::pair<BatchId, Sent>>& here() const { return here_; }
  std::pair<BatchId, Sent>* Find(TxId txid) {
    auto it = here_.find(txid);
    return it == here_.end() ? nullptr : &it->second;
  }
  const BatchId& applied() const { return applied_; }
  int64_t sum() const { return sum_; }

 private:
  bool IsCancelled(const BatchId& id) const {
    if (id.txid <= applied_.txid) return true;
    for (const auto& [txid, before] : marks_) {
      if (id.txid == txid && id.attempt < before) return true;
    }
    auto it = here_.find(id.txid);
    return it != here_.end() && id.attempt < it->second.first.attempt;
  }
  int64_t SumUpTo(TxId txid) const {
    return txid == applied_.txid ? sum_ : here_.at(txid).second.record;
  }

  BatchId applied_{kGroup, TxId(0), {}};
  int64_t sum_ = 0;
  std::map<TxId, std::pair<BatchId, Sent>> here_;
  std::vector<std::pair<TxId, Attempt>> marks_;
};

// ---- a history ----

struct Message {
  enum class Kind : uint8_t { kBegin, kFrame, kEnd, kPermit, kAbort } kind;
  BatchId id = {};      // kAbort: older than its attempt
  uint32_t from = 0;    // upstream task
  uint32_t number = 0;  // of a frame
  Attempt prev = {};    // of a permit
};

class History {
 public:
  explicit History(uint64_t seed) : rng_(seed), task_(Spec(), {kGroup, TxId(0), {}}) {}

  void Play() {
    const uint64_t steps = 50 + rng_.Below(400);
    for (uint64_t i = 0; i < steps && !testing::Test::HasFailure(); ++i) Step();
    is_calm_ = true;
    for (int round = 0; round < 100 && !testing::Test::HasFailure(); ++round) {
      if (live_.empty() && network_.empty()) break;
      ReplaceFailed();
      while (Permit()) {
      }
      while (!network_.empty() && !testing::Test::HasFailure()) Deliver();
      while (Apply()) {
      }
    }
    EXPECT_TRUE(live_.empty()) << "what is live and whole must get done";
    EXPECT_EQ(state_.applied, expected_sum_);
  }
  uint64_t applied() const { return model_.applied().txid.value(); }
  uint64_t cancelled_done() const { return cancelled_done_; }

 private:
  TaskSpec Spec() {
    TaskSpec spec;
    spec.address = kTo;
    spec.group = kGroup;
    spec.name = "sum";
    spec.inputs = {{.edge = 0, .from_stage = kUpstream, .from_tasks = kUpstreamTasks, .port = 0}};
    spec.make_chain = [this] {
      auto chain = std::make_unique<Chain>();
      chain->AddInput(chain->Add("sum", std::make_unique<SumOperator>(&state_), {}));
      return chain;
    };
    return spec;
  }

  // ---- the coordinator ----

  void Step() {
    const uint64_t dice = rng_.Below(100);
    if (dice < 12) {
      Cut();
    } else if (dice < 24) {
      Permit();
    } else if (dice < 28 && !live_.empty()) {
      Cancel(rng_.Below(live_.size()));
    } else if (dice < 29) {
      if (!live_.empty()) Cancel(0);
      epoch_ = epoch_.Next();
      counters_.clear();
    } else if (dice < 36) {
      Apply();
    } else if (!network_.empty()) {
      Deliver();
    }
  }

  void Cut() {
    if (live_.size() == kInFlightMax) return;
    const TxId txid(model_.applied().txid.value() + live_.size() + 1);
    const BatchId id{kGroup, txid, {epoch_, ++counters_[txid]}};
    live_.push_back(id);
    auto& lanes = content_[id];
    lanes.resize(kUpstreamTasks);
    network_.push_back({.kind = Message::Kind::kBegin, .id = id});
    for (uint32_t task = 0; task < kUpstreamTasks; ++task) {
      for (uint64_t n = rng_.Below(4); n > 0; --n) {
        network_.push_back({.kind = Message::Kind::kFrame,
                            .id = id,
                            .from = task,
                            .number = static_cast<uint32_t>(lanes[task].size())});
        lanes[task].push_back(NextValue());
      }
      network_.push_back({.kind = Message::Kind::kEnd, .id = id, .from = task});
    }
  }
  int64_t NextValue() {
    const auto value = static_cast<int64_t>(1 + rng_.Below(1000));
    if (is_calm_ || !rng_.Chance(0.03)) return value;
    return rng_.Chance(0.5) ? -1 : 0;
  }

  // The next permit, in txid order; false if every live attempt has one.
  bool Permit() {
    size_t i = 0;
    while (i < live_.size() && permitted_.contains(live_[i])) ++i;
    if (i == live_.size()) return false;
    const Attempt prev = i == 0 ? model_.applied().attempt : live_[i - 1].attempt;
    network_.push_back({.kind = Message::Kind::kPermit, .id = live_[i], .prev = prev});
    permitted_.insert(live_[i]);
    return true;
  }

  void Cancel(size_t first) {
    if (model_.IsDone(live_[first])) ++cancelled_done_;
    for (size_t i = live_.size(); i > first; --i) {
      const BatchId& id = live_[i - 1];
      const Attempt after{id.attempt.epoch, id.attempt.counter + 1};
      network_.push_back({.kind = Message::Kind::kAbort, .id = {kGroup, id.txid, after}});
    }
    live_.resize(first);
  }

  bool Apply() {
    if (live_.empty() || !model_.IsDone(live_.front())) return false;
    for (const auto& lane : content_.at(live_.front())) {
      for (int64_t value : lane) expected_sum_ += value;
    }
    task_.Apply(live_.front());
    model_.Apply(live_.front());
    live_.erase(live_.begin());
    CheckHolds();
    return true;
  }

  // In the end: what failed is cut anew, and nothing fails any more.
  void ReplaceFailed() {
    size_t first = 0;
    while (first < live_.size() && !Fails(live_[first])) ++first;
    if (first == live_.size()) return;
    const size_t wanted = live_.size();
    Cancel(first);
    while (live_.size() < wanted) Cut();
  }
  bool Fails(const BatchId& id) const {
    for (const auto& lane : content_.at(id)) {
      for (int64_t value : lane) {
        if (value <= 0) return true;
      }
    }
    return false;
  }

  // ---- the network ----

  void Deliver() {
    const size_t i = rng_.Below(network_.size());
    const Message message = network_[i];
    const bool comes_again = !is_calm_ && rng_.Chance(0.2);
    if (!comes_again) {
      network_[i] = network_.back();
      network_.pop_back();
    }
    SCOPED_TRACE(Concat("message ", static_cast<int>(message.kind), " of txid ",
                        message.id.txid.value(), ", attempt ", ToString(message.id.attempt)));
    if (message.kind == Message::Kind::kAbort) {
      task_.Abort(message.id.txid, message.id.attempt);
      model_.Abort(message.id.txid, message.id.attempt);
    } else {
      const Outcome outcome = Hand(message);
      ASSERT_EQ(outcome, Expect(message));
      if (outcome == Outcome::kDone) StageMore();
    }
    CheckHolds();
  }

  Outcome Hand(const Message& message) {
    switch (message.kind) {
      case Message::Kind::kBegin:
        return task_.Begin(message.id, 0) ? Outcome::kWaiting : Outcome::kStale;
      case Message::Kind::kFrame:
        return task_.OnFrame(FrameOf(message.id, message.from, message.number));
      case Message::Kind::kEnd:
        return task_.OnEnd(EndOf(message.id, message.from));
      case Message::Kind::kPermit:
        return task_.OnPermit(message.id, message.prev);
      case Message::Kind::kAbort:
        break;
    }
    return Outcome::kStale;
  }
  DataFrame FrameOf(const BatchId& id, uint32_t from, uint32_t number) const {
    return {.id = id,
            .from = {kUpstream, from},
            .to = kTo,
            .number = number,
            .payload = ValueRow(content_.at(id)[from][number])};
  }
  EndMarker EndOf(const BatchId& id, uint32_t from) const {
    const auto frames = static_cast<uint32_t>(content_.at(id)[from].size());
    EndMarker end{.id = id, .from = {kUpstream, from}, .to = kTo, .frames = frames};
    for (uint32_t number = 0; number < frames; ++number) {
      end.checksum = FrameChecksum(end.checksum, FrameOf(id, from, number));
    }
    return end;
  }

  Outcome Expect(const Message& message) {
    Sent* sent = model_.Hear(message.id, content_.at(message.id));
    if (sent == nullptr) return Outcome::kStale;
    switch (message.kind) {
      case Message::Kind::kFrame:
        sent->frames_here.insert({message.from, message.number});
        break;
      case Message::Kind::kEnd:
        sent->ends_here.insert(message.from);
        break;
      case Message::Kind::kPermit:
        sent->prev = message.prev;
        break;
      default:
        return Outcome::kWaiting;
    }
    return model_.Advance(message.id.txid, *sent);
  }

  // As an executor asks after each attempt that is done.
  void StageMore() {
    for (;;) {
      BatchId which;
      const Outcome outcome = task_.StageNext(&which);
      auto* next = model_.Find(model_.StagedUpTo().txid.Next());
      const Outcome expected =
          next == nullptr ? Outcome::kWaiting : model_.Advance(next->first.txid, next->second);
      ASSERT_EQ(outcome, expected);
      if (outcome == Outcome::kWaiting) return;
      ASSERT_EQ(which, next->first);
      if (outcome == Outcome::kFailed) return;
    }
  }

  void CheckHolds() {
    EXPECT_EQ(task_.attempts_in_flight(), model_.here().size());
    EXPECT_EQ(state_.applied, model_.sum());
    std::map<TxId, int64_t> staged = state_.staged;
    for (const auto& [txid, entry] : model_.here()) {
      const auto& [id, sent] = entry;
      if (sent.failed) staged.erase(txid);  // until it is aborted it may leave anything
      if (!sent.done) continue;
      std::string record;
      ASSERT_TRUE(task_.AppendRecord(id, record).ok());
      EXPECT_EQ(record, std::to_string(sent.record));
      EXPECT_EQ(staged.erase(txid), 1u);
    }
    EXPECT_TRUE(staged.empty()) << "staged changes of nobody, first of txid "
                                << staged.begin()->first.value();
  }

  Rng rng_;
  SumState state_;
  Task task_;
  TaskModel model_;
  Epoch epoch_{1};
  std::map<TxId, uint32_t> counters_;  // attempts made, by txid
  std::vector<BatchId> live_;  // what the coordinator has in flight, from the first undecided txid
  std::set<BatchId> permitted_;
  std::map<BatchId, std::vector<std::vector<int64_t>>> content_;
  std::vector<Message> network_;
  int64_t expected_sum_ = 0;
  uint64_t cancelled_done_ = 0;
  bool is_calm_ = false;  // nothing fails or repeats any more
};

TEST(TaskHistoryTest, ATaskAnswersAndHoldsWhatAPlainModelDoes) {
  const char* chosen = std::getenv("TRIDENT_SEED");
  const uint64_t first = chosen == nullptr ? 1 : std::strtoull(chosen, nullptr, 10);
  const uint64_t seeds =
      chosen != nullptr ? 1 : (std::getenv("TRIDENT_SOAK") != nullptr ? 200'000 : 2'000);
  uint64_t applied = 0;
  uint64_t cancelled_done = 0;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    SCOPED_TRACE(Concat("TRIDENT_SEED=", seed));
    History history(seed);
    history.Play();
    if (HasFailure()) return;
    applied += history.applied();
    cancelled_done += history.cancelled_done();
  }
  if (chosen != nullptr) return;
  EXPECT_GT(applied, 2 * seeds) << "the histories do not get anywhere";
  EXPECT_GT(cancelled_done, seeds / 10) << "nothing that was staged is ever taken back";
}

}  // namespace
}  // namespace trident
