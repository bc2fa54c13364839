// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/partition_markers.h"

#include <algorithm>
#include <string>

namespace trident {
namespace {

// nullopt: the partition has none, because it was never folded.
StatusOr<std::optional<Marker>> ReadMarker(const DurableStore& store, const PartitionPlace& place) {
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                           store.Get(Table::kBase, MarkerKey(place.state, place.partition)));
  if (!bytes) return std::optional<Marker>();
  TRIDENT_ASSIGN_OR_RETURN(const Marker marker, DecodeMarker(*bytes));
  return std::optional<Marker>(marker);
}

// The same rules as recovery has (state/recovery.cc).
Status CheckMarker(const StoredState& state, const Marker& marker, const DecidedAttempts& decided) {
  const TxId last = decided.LastDecided(state.group);
  if (marker.txid > last) {
    return DataLoss("its base holds everything up to txid ", marker.txid.value(),
                    ", but the decisions of group ", state.group.value(), " end at txid ",
                    last.value());
  }
  const std::optional<Attempt> attempt = decided.AttemptOf(state.group, marker.txid);
  if (!attempt || marker.attempt == Attempt{} || *attempt == marker.attempt) return {};
  return DataLoss("its base holds attempt ", ToString(marker.attempt), " of txid ",
                  marker.txid.value(), ", but attempt ", ToString(*attempt), " was decided");
}

}  // namespace

PartitionMarkers::PartitionMarkers(const RestingDirectory& directory,
                                   const DecidedAttempts& decided, Findings& findings) {
  for (const auto& [id, state] : directory.states()) {
    const StoredState& stored = state.stored();
    for (PartitionId p; p.value() < stored.partitions; p = p.Next()) {
      const PartitionPlace place{id, p};
      const StatusOr<std::optional<Marker>> marker = ReadMarker(directory.store(), place);
      findings.Add(state.Place(p), marker.status());
      TxId& folded_to = folded_to_[place] = stored.since;
      // Of what a damaged marker hides nothing is known, so nothing is missed either.
      if (!marker.ok()) folded_to = decided.LastDecided(stored.group);
      if (marker.ok() && *marker) {
        findings.Add(state.Place(p), CheckMarker(stored, **marker, decided));
        markers_[place] = **marker;
        folded_to = (*marker)->txid;
      }
      TxId& least = least_.try_emplace(stored.group, folded_to).first->second;
      least = std::min(least, folded_to);
    }
  }
}

PartitionMarkers::Span PartitionMarkers::Of(const StoredState& state) const {
  Span span;
  for (PartitionId p; p.value() < state.partitions; p = p.Next()) {
    const TxId folded_to = FoldedTo({state.id, p});
    span.least = p == PartitionId() ? folded_to : std::min(span.least, folded_to);
    span.greatest = std::max(span.greatest, folded_to);
  }
  return span;
}

std::optional<TxId> PartitionMarkers::LeastOf(GroupId group) const {
  const auto found = least_.find(group);
  return found == least_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace trident
