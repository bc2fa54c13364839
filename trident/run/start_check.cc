// SPDX-License-Identifier: Apache-2.0
#include "trident/run/start_check.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

#include "base/clock.h"
#include "base/letter_partition.h"
#include "coordinator/decision_log.h"
#include "state/disk/memory_store.h"
#include "state/disk/rocks_directory.h"
#include "state/disk/rocks_store.h"
#include "state/disk/state_spec.h"
#include "state/disk/store_identity.h"
#include "state/disk/stored_expiry.h"
#include "state/disk/stream_registry.h"
#include "trident/planner/planner.h"
#include "trident/run/parts/declared_states.h"
#include "trident/run/parts/known_sources.h"
#include "trident/run/parts/run_parts.h"
#include "trident/run/parts/stream_names.h"

namespace trident {
namespace {

// Nothing happens in parts that are not started.
class NoEvents final : public CoordinatorEvents {
 public:
  void OnHalted(GroupId /*group*/, const Status& /*cause*/) override {}
  void OnDrained(GroupId /*group*/, TxId /*last*/) override {}
  void OnIdle(GroupId /*group*/) override {}
};

// A directory that is not made yet is like an empty one in memory.
StatusOr<std::unique_ptr<DurableStore>> OpenToRead(const RunOptions& options) {
  const MemoryShares shares = ShareMemory(options.memory_bytes);
  auto files = RocksStore::Open({.dir = options.state_dir,
                                 .access = RocksStoreOptions::Access::kReadOnly,
                                 .cache_bytes = shares.block_cache,
                                 .write_buffer_bytes = shares.write_buffers});
  if (files.ok() || std::filesystem::exists(options.state_dir)) {
    TRIDENT_RETURN_IF_ERROR(RocksDirectory::CheckMayChange(options.state_dir));
  }
  if (files.ok()) return std::unique_ptr<DurableStore>(*std::move(files));
  const auto parent = std::filesystem::absolute(options.state_dir + "/..").lexically_normal();
  if (files.status().code() != StatusCode::kNotFound || !std::filesystem::exists(parent)) {
    return InUseAdvice(files.status(), ". Stop it first, or use another directory");
  }
  return std::unique_ptr<DurableStore>(std::make_unique<MemoryStore>());
}

std::string Duration(int64_t micros) {
  constexpr int64_t kMicrosPerSecond = kSecond / kMicrosecond;
  return micros % kMicrosPerSecond == 0 ? Concat(micros / kMicrosPerSecond, " s")
                                        : Concat(micros / 1000, " ms");
}

class Check {
 public:
  Check(const RunOptions& options, Plan plan, const DurableStore& store, DurableStore& same)
      : options_(options), plan_(std::move(plan)), store_(store), same_(same), log_(same) {}

  // Adds to the report. The errors are those of the start.
  Status Run();
  std::string TakeReport() { return std::move(report_); }

 private:
  template <class... Parts>
  void Say(const Parts&... parts) {
    report_ += Concat(parts...) + "\n";
  }
  Status DescribeStates(const Plan& named);
  // What is to become of the state's keys with time; "" where they do not and did not expire.
  std::string ExpiryOf(const Plan& named, const std::string& state) const;
  void DescribeGroups(const Plan& named);
  void DescribeStreams(const Plan& named, const RunParts* parts);
  bool AdoptedByOrder(const StoredStream& stream) const;
  using Judge = absl::FunctionRef<Status(const SourcePosition&)>;
  // `source` is null where it is not known what the stream reads.
  void DescribePartitions(const StoredStream& stream, const Worker::Source* source, Judge judge);

  const RunOptions& options_;
  const Plan plan_;
  const DurableStore& store_;
  DurableStore& same_;  // the parts of a run can write; these do not
  DecisionLog log_;
  StoreIdentity identity_;
  StreamRegistry known_;
  Status names_;  // what the numbers of the plan's streams were refused with, if they were
  std::vector<StoredState> given_up_;
  std::string report_;
};

Status Check::Run() {
  TRIDENT_ASSIGN_OR_RETURN(identity_, ReadIdentity(store_));
  TRIDENT_ASSIGN_OR_RETURN(auto known, ReadStreams(store_));
  if (known) known_ = *std::move(known);
  TRIDENT_RETURN_IF_ERROR(log_.Load());
  Plan named = plan_;
  WriteSet unwritten;
  names_ = NumberByName(store_, named, unwritten);
  if (names_.ok()) {
    DescribeGroups(named);
    // The start says again what is refused here.
    (void)DescribeStates(named);
  }
  NoEvents events;
  const auto parts =
      RunParts::Open(plan_, options_, {.store = &same_, .events = &events, .changed = [] {}});
  for (const StoredState& state : given_up_) {
    Say("state ", state.name,
        parts.ok() ? ": dropped by this start" : ": given up, but this start would drop nothing");
  }
  DescribeStreams(named, parts.ok() ? parts->get() : nullptr);
  return parts.status();
}

void Check::DescribeGroups(const Plan& named) {
  for (GroupId group : named.group_ids) {
    const TxId last = log_.LastDecided(group);
    if (last == TxId()) {
      Say("group ", group.value(), ": new");
    } else {
      Say("group ", group.value(), ": carries over, decided up to txid ", last.value());
    }
  }
}

Status Check::DescribeStates(const Plan& named) {
  StateStoreOptions options;
  options.drop_states = options_.drop_states;
  TRIDENT_ASSIGN_OR_RETURN(
      const auto states,
      StateStore::Open(same_, StoreOwner{.topology = named.logical->topology()}, log_, options));
  const auto describe = [&](const std::string& name, const Status& outcome) -> Status {
    const auto stored = std::find_if(identity_.states.begin(), identity_.states.end(),
                                     [&](const StoredState& state) { return state.name == name; });
    if (!outcome.ok()) {
      Say("state ", name, ": refused: ", Message(outcome));
    } else if (stored != identity_.states.end()) {
      Say("state ", name, ": carries over: ", ToString(*stored), ExpiryOf(named, name));
    } else {
      Say("state ", name, ": new, begins empty", ExpiryOf(named, name));
    }
    return absl::OkStatus();
  };
  TRIDENT_RETURN_IF_ERROR(
      DeclareStates({.plan = named, .options = options_, .store = store_, .states = *states},
                    describe)
          .status());
  given_up_ = states->GivenUp();
  for (const StoredState& state : states->Undeclared()) {
    Say("state ", state.name, ": orphaned and refused: this topology does not declare it");
  }
  return absl::OkStatus();
}

std::string Check::ExpiryOf(const Plan& named, const std::string& state) const {
  int64_t now = 0;
  for (const LogicalNode& node : named.logical->nodes()) {
    if (node.writes == nullptr || node.writes->spec().name != state) continue;
    now = node.writes->spec().expire_after_micros;
  }
  const auto has = [&](const std::string& name) {
    return std::any_of(identity_.states.begin(), identity_.states.end(),
                       [&](const StoredState& stored) { return stored.name == name; });
  };
  const bool expired = has(state + std::string(kLastWriteSuffix));
  if (now == 0) return expired ? "; its keys expire no more" : "";
  const std::string lasts = Concat("keys that no batch has written for ", Duration(now), " expire");
  if (!has(state)) return "; " + lasts;
  if (!expired) return Concat("; from this start on ", lasts, ", which they did not before");
  const auto before = ReadExpiry(store_, state);
  if (!before.ok() || *before == now) return "; " + lasts;
  return Concat("; from this start on ", lasts, ", before it was ",
                *before == 0 ? "another time or the same" : Duration(*before));
}

void Check::DescribeStreams(const Plan& named, const RunParts* parts) {
  std::set<std::string> declared;
  for (const auto& [id, spout] : named.spouts) {
    const std::string& name = named.logical->node(id).name;
    declared.insert(name);
    const Worker::Source* source = nullptr;
    StoredStream numbers{spout, named.groups[id]};
    if (parts != nullptr) {
      for (const Worker::Source& one : parts->sources()) {
        if (one.id == spout && one.group == numbers.group) source = &one;
      }
    }
    const auto known = known_.streams.find(name);
    if (known != known_.streams.end()) numbers = known->second;
    const bool carries = known != known_.streams.end() || AdoptedByOrder(numbers);
    Say("stream ", name, ": ", carries ? "carries over" : "new");
    if (!carries && source == nullptr) continue;
    DescribePartitions(numbers, source, [&, id = id](const SourcePosition& at) {
      return names_.ok() ? JudgePosition(named, {store_, log_, id}, at) : absl::OkStatus();
    });
  }
  for (const auto& [name, numbers] : known_.streams) {
    if (declared.contains(name)) continue;
    Say("stream ", name,
        ": orphaned: this topology does not declare it; if it comes back, it goes "
        "on where it stood");
    DescribePartitions(numbers, nullptr, [](const SourcePosition&) { return absl::OkStatus(); });
  }
}

// A store of format 1 does not know the stream by name, but has read of it.
bool Check::AdoptedByOrder(const StoredStream& stream) const {
  if (!names_.ok() || !known_.streams.empty()) return false;
  const std::vector<SpoutPosition> positions = log_.Recover(stream.group, Epoch()).positions;
  return std::any_of(positions.begin(), positions.end(),
                     [&](const SpoutPosition& position) { return position.spout == stream.spout; });
}

void Check::DescribePartitions(const StoredStream& stream, const Worker::Source* source,
                               Judge judge) {
  std::map<std::string, Position> stored;
  for (const SpoutPosition& position : log_.Recover(stream.group, Epoch()).positions) {
    if (position.spout == stream.spout) stored[position.at.partition] = position.at.position;
  }
  stored.erase(std::string(kLetterPartition));
  std::set<std::string> read;
  if (source != nullptr) {
    const std::vector<std::string>& listed = source->share->listed();
    read.insert(listed.begin(), listed.end());
    const auto more = source->spout->PartitionsAfter(listed.size()).names;
    read.insert(more.begin(), more.end());
  }
  for (const auto& [partition, position] : stored) {
    const bool orphaned = source != nullptr && !read.contains(partition);
    const bool fits = judge({partition, position}).ok();
    Say("  partition ", partition,
        !fits      ? ": refused: its source has no such position as "
        : orphaned ? ": orphaned: the source does not have it; stands at "
                   : ": carries over from ",
        position.empty() ? "its beginning" : position);
  }
  for (const std::string& partition : read) {
    if (!stored.contains(partition)) Say("  partition ", partition, ": new");
  }
}

}  // namespace

StartCheck CheckStart(const Topology& topology, const RunOptions& options) {
  StartCheck out;
  const auto judge = [&]() -> Status {
    TRIDENT_ASSIGN_OR_RETURN(auto logical, topology.Build());
    TRIDENT_ASSIGN_OR_RETURN(Plan plan, MakePlan(logical, {.executors = options.executors}));
    TRIDENT_ASSIGN_OR_RETURN(const auto store, OpenToRead(options));
    Check check(options, std::move(plan), *store, *store);
    const Status verdict = check.Run();
    out.report = check.TakeReport();
    return verdict;
  };
  out.verdict = judge();
  return out;
}

}  // namespace trident
