// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/stream_names.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/letter_partition.h"
#include "coordinator/decision_log.h"
#include "state/disk/store_identity.h"
#include "state/disk/store_layout.h"
#include "state/disk/stream_registry.h"

namespace trident {
namespace {

std::string Listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "'" : ", '") + name + "'";
  return out;
}

// A source that cannot go back gives no row twice.
std::string_view AboutAnotherName(const StoredStream& stream) {
  const bool goes_back =
      !stream.positions || stream.positions->goes_back != PositionForm::GoesBack::kNo;
  return goes_back ? "Under another name all rows of a stream would count again"
                   : "Under another name a stream begins anew";
}

// The source partitions with a position, of each spout.
using Positions = std::map<std::pair<GroupId, SpoutId>, std::vector<std::string>>;

StatusOr<Positions> ReadPositions(const DurableStore& store) {
  Positions positions;
  const auto cursor = store.NewCursor(Table::kDecision);
  for (cursor->Seek("p"); cursor->Valid(); cursor->Next()) {
    const std::optional<PositionOwner> owner = ParsePositionKey(cursor->key());
    if (!owner) break;
    if (owner->partition == kLetterPartition) continue;
    positions[{owner->group, owner->spout}].push_back(owner->partition);
  }
  TRIDENT_RETURN_IF_ERROR(cursor->status());
  return positions;
}

class Matching {
 public:
  Matching(const DurableStore& store, const StoreIdentity& identity, Plan& plan)
      : store_(store), identity_(identity), plan_(plan) {}

  Status Find(std::optional<StreamRegistry> known);
  void Settle(WriteSet& changes);

 private:
  const LogicalNode& node(NodeId id) const { return plan_.logical->node(id); }
  Status AdoptByOrder();
  Status CheckNoneIsRenamed() const;
  Status FindGroups();
  // Which group of the store the names in a planned group belong to; 0: none is known.
  StatusOr<GroupId> KnownGroup(GroupId planned) const;

  const DurableStore& store_;
  const StoreIdentity& identity_;
  Plan& plan_;
  StreamRegistry registry_;
  std::map<GroupId, GroupId> groups_;
};

Status Matching::Find(std::optional<StreamRegistry> known) {
  if (known) {
    registry_ = *std::move(known);
  } else if (identity_.owner) {
    TRIDENT_RETURN_IF_ERROR(AdoptByOrder());
  }
  TRIDENT_RETURN_IF_ERROR(FindGroups());
  return CheckNoneIsRenamed();
}

// Format 1 numbered spouts and groups by their order and kept no names. So the order is believed
// where nothing else can be: each stream has all partitions that were read under its number, and no
// other stream has any of them.
Status Matching::AdoptByOrder() {
  TRIDENT_ASSIGN_OR_RETURN(const Positions positions, ReadPositions(store_));
  std::map<std::pair<GroupId, SpoutId>, NodeId> at;
  std::map<NodeId, std::set<std::string>> partitions;
  for (const auto& [id, spout] : plan_.spouts) {
    at[{plan_.groups[id], spout}] = id;
    TRIDENT_ASSIGN_OR_RETURN(const auto names, node(id).spout->Partitions());
    partitions[id].insert(names.begin(), names.end());
  }
  for (const auto& [place, read] : positions) {
    const auto stream = at.find(place);
    bool fits = stream != at.end();
    for (const auto& [id, names] : partitions) {
      if (!fits || partitions.size() == 1) break;
      for (const std::string& name : read) fits &= names.contains(name) == (id == stream->second);
    }
    if (fits) continue;
    return FailedPrecondition(
        store_.Where(),
        " has format 1, which tells streams apart by their order, not by name; "
        "which stream of this topology read ",
        Listed(read), " as spout ", place.second.value(), " of group ", place.first.value(),
        " cannot be told. Use the release that wrote it, or "
        "start from an empty state directory");
  }
  for (const auto& [id, spout] : plan_.spouts) {
    registry_.streams[node(id).name] = {spout, plan_.groups[id]};
    registry_.next_spout = std::max(registry_.next_spout, spout.Next());
    registry_.next_group = std::max(registry_.next_group, plan_.groups[id].Next());
  }
  for (const StoredState& state : identity_.states) {
    registry_.next_group = std::max(registry_.next_group, state.group.Next());
  }
  return absl::OkStatus();
}

StatusOr<GroupId> Matching::KnownGroup(GroupId planned) const {
  GroupId found;
  std::string by;
  const auto add = [&](const std::string& name, GroupId group) -> Status {
    if (found != GroupId() && group != found) {
      return FailedPrecondition(store_.Where(), " keeps ", by, " in batch group ", found.value(),
                                " and ", name, " in batch group ", group.value(),
                                ", but this topology connects them. Keep them apart, "
                                "or start from an empty state directory");
    }
    found = group;
    by = name;
    return absl::OkStatus();
  };
  for (const LogicalNode& node : plan_.logical->nodes()) {
    if (plan_.groups[node.id] != planned) continue;
    if (const auto stream = registry_.streams.find(node.name);
        node.kind == LogicalNode::Kind::kSpout && stream != registry_.streams.end()) {
      TRIDENT_RETURN_IF_ERROR(add("stream '" + node.name + "'", stream->second.group));
    }
    if (node.writes == nullptr || node.writes->user_defined()) continue;
    for (const StoredState& state : identity_.states) {
      if (state.name != node.writes->spec().name) continue;
      TRIDENT_RETURN_IF_ERROR(add("state '" + state.name + "'", state.group));
    }
  }
  return found;
}

Status Matching::FindGroups() {
  std::map<GroupId, GroupId> planned_as;
  const auto first_stream = [this](GroupId group) {
    for (const auto& [id, spout] : plan_.spouts) {
      if (plan_.groups[id] == group) return node(id).name;
    }
    return std::string();
  };
  for (GroupId planned : plan_.group_ids) {
    TRIDENT_ASSIGN_OR_RETURN(GroupId known, KnownGroup(planned));
    if (known == GroupId()) continue;
    const auto [other, added] = planned_as.try_emplace(known, planned);
    if (!added) {
      return FailedPrecondition(
          store_.Where(), " keeps the streams '", first_stream(other->second), "' and '",
          first_stream(planned),
          "', or their states, in one batch group, but this topology does "
          "not connect them. Connect them as before, or start from an empty state directory");
    }
    groups_[planned] = known;
  }
  return absl::OkStatus();
}

Status Matching::CheckNoneIsRenamed() const {
  std::set<std::string> declared;
  std::vector<std::string> added;
  for (const auto& [id, spout] : plan_.spouts) {
    declared.insert(node(id).name);
    if (!registry_.streams.contains(node(id).name)) added.push_back(node(id).name);
  }
  for (const auto& [name, stream] : registry_.streams) {
    if (declared.contains(name)) continue;
    if (!added.empty()) {
      return FailedPrecondition(
          store_.Where(), " knows the stream '", name,
          "', which this topology does not declare; "
          "it declares ",
          Listed(added), ", new to the directory. ", AboutAnotherName(stream), ": name it '", name,
          "'. If it is another source, declare it beside '", name,
          "', whose own source may be empty, or let the directory forget '", name,
          "': `trident sources ", store_.Where(), " forget ", name, "`");
    }
    for (const auto& [planned, known] : groups_) {
      if (known != stream.group) continue;
      return FailedPrecondition(
          store_.Where(), " knows the stream '", name,
          "', which this topology does not declare, "
          "although it has other streams or states of its batch group. Declare it again under "
          "this name; its source may be empty. Or let the directory forget it: `trident sources ",
          store_.Where(), " forget ", name, "`");
    }
  }
  return absl::OkStatus();
}

void Matching::Settle(WriteSet& changes) {
  for (GroupId planned : plan_.group_ids) {
    if (groups_.contains(planned)) continue;
    groups_[planned] = registry_.next_group;
    registry_.next_group = registry_.next_group.Next();
  }
  std::map<NodeId, SpoutId> spouts;
  for (const auto& [id, order] : plan_.spouts) {
    const auto [stream, added] = registry_.streams.try_emplace(
        node(id).name, StoredStream{registry_.next_spout, groups_.at(plan_.groups[id])});
    if (added) registry_.next_spout = registry_.next_spout.Next();
    stream->second.positions = node(id).spout->positions();
    spouts[id] = stream->second.spout;
  }
  Renumber(groups_, std::move(spouts), plan_);
  PutStreams(registry_, changes);
}

}  // namespace

Status NumberByName(const DurableStore& store, Plan& plan, WriteSet& changes) {
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(store));
  // Whoever opens the states refuses it.
  if (identity.owner && identity.owner->topology != plan.logical->topology()) return {};
  TRIDENT_ASSIGN_OR_RETURN(auto known, ReadStreams(store));
  Matching matching(store, identity, plan);
  TRIDENT_RETURN_IF_ERROR(matching.Find(std::move(known)));
  matching.Settle(changes);
  return absl::OkStatus();
}

}  // namespace trident
