// SPDX-License-Identifier: Apache-2.0
#include "trident/run/cluster/cluster_catalog.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/spelling.h"

namespace trident {
namespace {

// Whether an epoch has begun, or a worker is there, is looked at so often.
constexpr Nanos kLookEvery = 5 * kMillisecond;
constexpr Nanos kTellHoldsEvery = kPartHoldMs * kMillisecond / 6;
// How often a cut is taken anew when other workers do not have it any more.
constexpr int kCutTriesMax = 10;
// Rows that each worker is asked for at least: with few, pages would be many.
constexpr uint64_t kRowsOfPartMin = 16;

// A message of another worker, and of which one.
Status Of(WorkerId worker, const Status& status) {
  return Annotate(status, Concat("worker ", worker.value()));
}

}  // namespace

class ClusterCatalog::Pinned {
 public:
  Pinned(const ClusterCatalog& catalog, ClusterWorker::Working in, Snapshot cut)
      : catalog_(catalog),
        group_(cut.group()),
        txid_(cut.txid()),
        in_(std::move(in)),
        cut_(std::move(cut)) {
    MutexLock lock(catalog_.mutex_);
    catalog_.pinned_.insert(this);
    catalog_.pins_[group_].insert(txid_);
  }
  ~Pinned() {
    MutexLock lock(catalog_.mutex_);
    catalog_.pinned_.erase(this);
    std::multiset<TxId>& pins = catalog_.pins_[group_];
    pins.erase(pins.find(txid_));
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  // What is held of an epoch. The cut goes before the parts that it is of.
  struct OfEpoch {
    ClusterWorker::Working in;
    std::optional<Snapshot> cut;
  };
  // Holds the cut in what works now, if it can be, and gives out what it held of another epoch.
  // Under the lock of the catalog.
  std::optional<OfEpoch> Move(const ClusterWorker::Working& now) {
    if (in_.epoch == now.epoch) return std::nullopt;
    OfEpoch old{std::exchange(in_, now), std::exchange(cut_, std::nullopt)};
    if (now.parts == nullptr) return old;
    StatusOr<Snapshot> again = now.parts->states().Pin(group_, ReadAt::Exactly(txid_));
    if (again.ok()) cut_ = *std::move(again);
    return old;
  }

 private:
  const ClusterCatalog& catalog_;
  const GroupId group_;
  const TxId txid_;
  ClusterWorker::Working in_;    // goes after cut_
  std::optional<Snapshot> cut_;  // null: it cannot be held any more, or there is no epoch
};

// ---- one state ----

class ClusterCatalog::State final : public ReadableState {
 public:
  State(const ClusterCatalog& catalog, PlacedState placed)
      : catalog_(catalog), info_(std::move(placed.info)), owner_of_(std::move(placed.owners)) {
    TRIDENT_CHECK_EQ(owner_of_.size(), info_.spec.partitions);
    owners_.insert(owner_of_.begin(), owner_of_.end());
  }

  const StateInfo& info() const override { return info_; }
  const std::set<WorkerId>& owners() const { return owners_; }

  StatusOr<std::optional<std::string>> Get(TxId at, std::string_view key) const override {
    TRIDENT_ASSIGN_OR_RETURN(Answers answers, MultiGet(at, {&key, 1}));
    return std::move(answers.front());
  }

  StatusOr<Answers> MultiGet(TxId at, std::span<const std::string_view> keys) const override {
    std::map<WorkerId, std::vector<size_t>> places;
    for (size_t i = 0; i < keys.size(); ++i) places[OwnerOf(keys[i])].push_back(i);
    Answers answers(keys.size(), std::optional<std::string>());
    for (const auto& [worker, of_worker] : places) {
      std::vector<std::string_view> asked;
      asked.reserve(of_worker.size());
      for (const size_t i : of_worker) asked.push_back(keys[i]);
      TRIDENT_ASSIGN_OR_RETURN(
          Answers part,
          catalog_.ReadPart(worker, Which(at), [&](PartReads& reads, const PartRead& which) {
            return reads.Get(which, asked);
          }));
      for (size_t i = 0; i < of_worker.size(); ++i) answers[of_worker[i]] = std::move(part[i]);
    }
    return answers;
  }

  // Keys are spread over the workers by their hashes, so the pages of all end at about the same
  // key. What stands behind the first end is read again with the next page.
  StatusOr<StatePage> Scan(TxId at, const KeyRange& range, PageLimits limits) const override {
    const PageLimits of_part{
        std::max(limits.rows / owners_.size() + 1, std::min(limits.rows, kRowsOfPartMin)),
        std::max<uint64_t>(limits.bytes / owners_.size(), 1)};
    StatePage merged;
    for (const WorkerId worker : owners_) {
      TRIDENT_ASSIGN_OR_RETURN(
          StatePage page,
          catalog_.ReadPart(worker, Which(at), [&](PartReads& reads, const PartRead& which) {
            return reads.Scan(which, range, of_part);
          }));
      if (page.resume && (!merged.resume || *page.resume < *merged.resume)) {
        merged.resume = std::move(page.resume);
      }
      std::move(page.rows.begin(), page.rows.end(), std::back_inserter(merged.rows));
    }
    const auto by_key = [](const StateRow& a, const StateRow& b) { return a.key < b.key; };
    std::sort(merged.rows.begin(), merged.rows.end(), by_key);
    if (merged.resume) {
      const StateRow end{*merged.resume, {}, {}};
      merged.rows.erase(std::lower_bound(merged.rows.begin(), merged.rows.end(), end, by_key),
                        merged.rows.end());
    }
    if (merged.rows.size() > limits.rows) {
      merged.resume = merged.rows[limits.rows].key;
      merged.rows.resize(limits.rows);
    }
    return merged;
  }

  StatusOr<std::vector<StateChange>> ChangesOf(TxId at, const KeyRange& range) const override {
    TRIDENT_ASSIGN_OR_RETURN(ChangesAt first, FirstChanges(at.Prev(), at, range));
    return std::move(first.changes);
  }

  StatusOr<ChangesAt> FirstChanges(TxId after, TxId last, const KeyRange& range) const override {
    ChangesAt first{last, {}};
    for (const WorkerId worker : owners_) {
      if (after >= first.txid) break;
      TRIDENT_ASSIGN_OR_RETURN(ChangesAt part,
                               catalog_.ReadPart(worker, Which(first.txid),
                                                 [&](PartReads& reads, const PartRead& which) {
                                                   return reads.FirstChanges(which, after, range);
                                                 }));
      if (part.changes.empty()) continue;
      if (part.txid < first.txid) first = {part.txid, {}};
      std::move(part.changes.begin(), part.changes.end(), std::back_inserter(first.changes));
    }
    std::sort(first.changes.begin(), first.changes.end(),
              [](const StateChange& a, const StateChange& b) { return a.key < b.key; });
    return first;
  }

  uint64_t ApproximateKeys() const override { return CountsOf().keys; }
  uint64_t KeysExpired() const override { return CountsOf().expired; }
  uint64_t UnreadableKeys() const override { return CountsOf().unreadable; }

 private:
  WorkerId OwnerOf(std::string_view key) const {
    return owner_of_[PartitionOfHash(HashBytes(key), info_.spec.partitions)];
  }
  PartRead Which(TxId at) const {
    return {.epoch = {},
            .reader = {},
            .state = info_.spec.name,
            .group = info_.spec.group,
            .txid = at,
            .held = {}};
  }
  // Whoever lists states does not wait for an epoch: while a part cannot be asked, it counts what
  // it counted last.
  PartCounts CountsOf() const {
    PartCounts all;
    for (const WorkerId worker : owners_) {
      const StatusOr<PartCounts> part = catalog_.ReadPart(
          worker, Which(TxId()), /*wait=*/0,
          [](PartReads& reads, const PartRead& which) { return reads.Counts(which); });
      MutexLock lock(mutex_);
      if (part.ok()) last_counts_[worker] = *part;
      const PartCounts& counts = last_counts_[worker];
      all.keys += counts.keys;
      all.expired += counts.expired;
      all.unreadable += counts.unreadable;
    }
    return all;
  }

  const ClusterCatalog& catalog_;
  const StateInfo info_;
  const std::vector<WorkerId> owner_of_;  // by partition
  std::set<WorkerId> owners_;
  mutable Mutex mutex_;
  mutable std::map<WorkerId, PartCounts> last_counts_ TRIDENT_GUARDED_BY(mutex_);
};

// ---- the catalog ----

ClusterCatalog::ClusterCatalog(Options options) : options_(std::move(options)) {
  for (const PlacedState& placed : options_.states) {
    states_.emplace(placed.info.spec.name, std::make_unique<State>(*this, placed));
  }
  thread_ = std::thread([this] { Run(); });
}

ClusterCatalog::~ClusterCatalog() {
  Stop();
  thread_.join();
}

void ClusterCatalog::Stop() {
  MutexLock lock(mutex_);
  stops_ = true;
  stopped_.NotifyAll();
}

std::vector<const ReadableState*> ClusterCatalog::List() const {
  std::vector<const ReadableState*> states;
  for (const auto& [name, state] : states_) states.push_back(state.get());
  return states;
}

StatusOr<const ReadableState*> ClusterCatalog::Find(std::string_view name) const {
  const auto found = states_.find(name);
  if (found != states_.end()) return found->second.get();
  std::vector<std::string> names;
  for (const auto& [each, state] : states_) names.push_back(each);
  return NotFound("there is no state '", name.substr(0, kFieldNameBytesMax), "'",
                  SpellingHint(name, "states", names));
}

TxId ClusterCatalog::Published(GroupId group) const {
  const ClusterWorker::Working working = options_.now();
  MutexLock lock(mutex_);
  TxId& last = last_published_[group];
  if (working.parts != nullptr) last = std::max(last, working.parts->states().Published(group));
  return last;
}

TxId ClusterCatalog::Newest(GroupId group) const {
  const TxId published = Published(group);
  const ClusterWorker::Working working = options_.now();
  if (working.parts == nullptr) return published;
  return std::max(published, working.parts->desk().ToldApplied(group));
}

StatusOr<ClusterWorker::Working> ClusterCatalog::AwaitEpoch(Nanos deadline) const {
  for (;;) {
    ClusterWorker::Working working = options_.now();
    if (working.parts != nullptr) return working;
    MutexLock lock(mutex_);
    if (stops_) return Unavailable("the topology is stopping");
    if (RealClock().MonotonicNanos() >= deadline) {
      return Unavailable("worker ", options_.self.value(),
                         " takes part in no epoch at the moment: the workers wait for one that is "
                         "not there, or for their leader; try again");
    }
    stopped_.WaitFor(mutex_, kLookEvery);
  }
}

StatusOr<Snapshot> ClusterCatalog::PinIn(const ClusterWorker::Working& working, GroupId group,
                                         const ReadAt& at) const {
  TRIDENT_ASSIGN_OR_RETURN(Snapshot cut, working.parts->states().Pin(group, at));
  const TxId txid = cut.txid();
  return Snapshot::HeldBy(std::make_shared<Pinned>(*this, working, std::move(cut)), group, txid);
}

StatusOr<Snapshot> ClusterCatalog::Pin(GroupId group, const ReadAt& at) const {
  const Nanos deadline = RealClock().MonotonicNanos() + options_.epoch_wait;
  if (at.kind == ReadAt::Kind::kAtLeast) return PinAtLeast(group, at.txid, at.wait);
  TRIDENT_ASSIGN_OR_RETURN(const ClusterWorker::Working working, AwaitEpoch(deadline));
  if (at.kind == ReadAt::Kind::kExactly) {
    // Another worker may have published it already.
    if (at.txid > Published(group) && at.txid <= Newest(group)) {
      TRIDENT_RETURN_IF_ERROR(
          PinAtLeast(group, at.txid, deadline - RealClock().MonotonicNanos()).status());
    }
    return PinIn(working, group, at);
  }
  StatusOr<Snapshot> cut =
      PinAtLeast(group, Newest(group), deadline - RealClock().MonotonicNanos());
  if (!absl::IsDeadlineExceeded(cut.status())) return cut;
  return Unavailable("the newest txid is applied here, and is not published: ",
                     Message(cut.status()), "; try again");
}

// Epochs may end meanwhile, and the next one may have the txid.
StatusOr<Snapshot> ClusterCatalog::PinAtLeast(GroupId group, TxId txid, Nanos wait) const {
  constexpr Nanos kSlice = 50 * kMillisecond;
  const Nanos deadline = RealClock().MonotonicNanos() + wait;
  for (;;) {
    const ClusterWorker::Working working = options_.now();
    const Nanos left = std::max<Nanos>(deadline - RealClock().MonotonicNanos(), 0);
    if (working.parts != nullptr) {
      StatusOr<Snapshot> cut = PinIn(working, group, ReadAt::AtLeast(txid, std::min(left, kSlice)));
      if (!absl::IsDeadlineExceeded(cut.status()) || left == 0) return cut;
      continue;
    }
    MutexLock lock(mutex_);
    if (stops_) return Unavailable("the topology is stopping");
    if (left == 0) {
      return DeadlineExceeded("txid ", txid.value(), " of group ", group.value(),
                              " was not seen in time: no epoch has begun");
    }
    stopped_.WaitFor(mutex_, std::min(left, kLookEvery));
  }
}

StatusOr<Snapshot> ClusterCatalog::PinEverywhere(GroupId group, const ReadAt& at) const {
  Status last;
  for (int tries = 0; tries < kCutTriesMax; ++tries) {
    TRIDENT_ASSIGN_OR_RETURN(Snapshot cut, Pin(group, at));
    last = absl::OkStatus();
    std::set<WorkerId> others;
    for (const auto& [name, state] : states_) {
      if (state->info().spec.group == group) {
        others.insert(state->owners().begin(), state->owners().end());
      }
    }
    others.erase(options_.self);
    const PartRead which{
        .epoch = {}, .reader = {}, .state = {}, .group = group, .txid = cut.txid(), .held = {}};
    for (const WorkerId worker : others) {
      last.Update(ReadPart(
          worker, which, [](PartReads& reads, const PartRead& read) { return reads.Hold(read); }));
      if (!last.ok()) break;
    }
    if (last.ok()) return cut;
    if (!absl::IsOutOfRange(last) || at.kind == ReadAt::Kind::kExactly) return last;
  }
  return last;
}

StatusOr<Watch> ClusterCatalog::Follow(const ReadableState& state, KeyRange range,
                                       TxId after) const {
  StatusOr<Snapshot> position = PinEverywhere(state.info().spec.group, ReadAt::Exactly(after));
  if (absl::IsOutOfRange(position.status())) {
    return OutOfRange("the changes of txid ", after.value() + 1,
                      " are not kept any more (an epoch keeps none of the one before): read the "
                      "state and watch from what commits next on. ",
                      Message(position.status()));
  }
  TRIDENT_RETURN_IF_ERROR(position.status());
  return Watch(*this, state, std::move(range), *std::move(position));
}

template <class Read>
auto ClusterCatalog::ReadPart(WorkerId worker, PartRead which, Nanos wait, Read read) const
    -> decltype(read(std::declval<PartReads&>(), which)) {
  const Nanos deadline = RealClock().MonotonicNanos() + wait;
  which.reader = options_.self;
  for (;;) {
    TRIDENT_ASSIGN_OR_RETURN(const ClusterWorker::Working working, AwaitEpoch(deadline));
    which.epoch = working.epoch;
    SayHeld(which);
    const std::shared_ptr<PartReads> part = options_.part_of(working.epoch, worker);
    if (part != nullptr) {
      auto answer = read(*part, which);
      if (answer.ok()) return answer;
      const Status failed = [&] {
        if constexpr (requires { answer.status(); }) {
          return answer.status();
        } else {
          return answer;
        }
      }();
      const bool is_late = RealClock().MonotonicNanos() >= deadline;
      if (!absl::IsUnavailable(failed) || is_late) return Of(worker, failed);
    }
    MutexLock lock(mutex_);
    if (stops_) return Unavailable("the topology is stopping");
    if (RealClock().MonotonicNanos() >= deadline) {
      return Unavailable("worker ", worker.value(), " is not there; try again");
    }
    stopped_.WaitFor(mutex_, kLookEvery);
  }
}

void ClusterCatalog::SayHeld(PartRead& read) const {
  MutexLock lock(mutex_);
  read.said = ++said_;
  const std::multiset<TxId>& pins = pins_[read.group];
  read.held = pins.empty() ? TxId() : *pins.begin();
  if (!pins.empty()) told_.insert(read.group);
}

void ClusterCatalog::MovePins() const {
  const ClusterWorker::Working working = options_.now();
  std::vector<Pinned::OfEpoch> old;  // goes without the lock: states may go with it
  MutexLock lock(mutex_);
  for (Pinned* pinned : pinned_) {
    if (auto of_epoch = pinned->Move(working)) old.push_back(*std::move(of_epoch));
  }
}

void ClusterCatalog::TellHolds() const {
  const ClusterWorker::Working working = options_.now();
  if (working.parts == nullptr) return;
  std::set<GroupId> groups;
  for (const auto& [name, state] : states_) groups.insert(state->info().spec.group);
  for (const GroupId group : groups) {
    (void)Published(group);  // so that it is known while an epoch begins
    {
      // Who holds nothing any more says so once.
      MutexLock lock(mutex_);
      if (pins_[group].empty() && told_.erase(group) == 0) continue;
    }
    for (uint32_t worker = 0; worker < options_.workers; ++worker) {
      if (WorkerId(worker) == options_.self) continue;
      const auto part = options_.part_of(working.epoch, WorkerId(worker));
      if (part == nullptr) continue;
      PartRead read{.epoch = working.epoch,
                    .reader = options_.self,
                    .state = {},
                    .group = group,
                    .txid = {},
                    .held = {}};
      SayHeld(read);
      read.txid = read.held;
      // What cannot be held shows in the reads.
      (void)part->Hold(read);
    }
  }
}

void ClusterCatalog::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!stops_) stopped_.WaitFor(mutex_, kTellHoldsEvery);
      if (stops_) return;
    }
    MovePins();
    TellHolds();
    if (options_.on_tick != nullptr) options_.on_tick();
  }
}

}  // namespace trident
