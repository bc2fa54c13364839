// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/stored_sources.h"

#include <utility>

#include "base/spelling.h"
#include "state/disk/store_identity.h"
#include "state/disk/store_layout.h"

namespace trident {
namespace {

const StoredSource kUnknownSource;

const StoredSource& FindIn(const StoredSources::Stream& stream, const std::string& partition) {
  const auto found = stream.partitions.find(partition);
  return found == stream.partitions.end() ? kUnknownSource : found->second;
}

// Where it stands; nullopt: at its beginning, of which nothing was read.
std::optional<Position> PositionOf(const StoredSource& source) {
  if (!source.row || source.row->by == PositionRow::By::kForgotten) return std::nullopt;
  return source.row->at;
}

std::string Rows(uint64_t n) { return Concat(n, n == 1 ? " row" : " rows"); }

// The rows from `from` to where the source stands, if the ranges in the log tell it.
std::optional<uint64_t> RowsAfter(const StoredSource& source, const Position& from,
                                  const Position& now) {
  uint64_t rows = 0;
  Position next = now;
  for (auto range = source.ranges.rbegin(); range != source.ranges.rend(); ++range) {
    if (next == from) return rows;
    if (range->end != next) return std::nullopt;
    rows += range->rows;
    next = range->start;
  }
  return next == from ? std::optional(rows) : std::nullopt;
}

}  // namespace

StatusOr<StoredSources> StoredSources::Read(const DurableStore& store) {
  StoredSources sources(store);
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(store));
  TRIDENT_ASSIGN_OR_RETURN(const std::optional<StreamRegistry> registry, ReadStreams(store));
  if (!registry && identity.owner) {
    return FailedPrecondition(store.Where(),
                              " was written by a release that did not store the names of streams. "
                              "Start its topology once with this release; that gives them their "
                              "names");
  }
  if (!registry) return sources;
  for (const auto& [name, numbers] : registry->streams) sources.streams_[name] = {numbers, {}};
  TRIDENT_RETURN_IF_ERROR(sources.ReadDecisions(store));
  return sources;
}

Status StoredSources::ReadDecisions(const DurableStore& store) {
  std::map<std::pair<GroupId, SpoutId>, Stream*> by_number;
  for (auto& [name, stream] : streams_) {
    by_number[{stream.numbers.group, stream.numbers.spout}] = &stream;
  }
  const auto source = [&](GroupId group, SpoutId spout,
                          const std::string& partition) -> StoredSource* {
    const auto found = by_number.find({group, spout});
    return found == by_number.end() ? nullptr : &found->second->partitions[partition];
  };
  const auto cursor = store.NewCursor(Table::kDecision);
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    if (const auto decided = ParseDecisionKey(cursor->key())) {
      TRIDENT_ASSIGN_OR_RETURN(const DecisionRecord record, DecodeDecision(cursor->value()));
      Group& group = groups_[decided->group];
      if (group.first == TxId()) group.first = decided->txid;
      group.last = decided->txid;
      for (const SourceRange& range : record.ranges) {
        StoredSource* of = source(decided->group, range.emitter.spout, range.partition);
        if (of != nullptr) {
          of->ranges.push_back({decided->txid, range.start, range.end, range.rows});
        }
      }
    } else if (const auto cut = ParseCutKey(cursor->key())) {
      groups_[cut->group].cuts.insert(cut->txid);
    } else if (const auto owner = ParsePositionKey(cursor->key())) {
      TRIDENT_ASSIGN_OR_RETURN(PositionRow row, DecodePosition(cursor->value()));
      StoredSource* of = source(owner->group, owner->spout, owner->partition);
      if (of != nullptr) of->row = std::move(row);
    }
  }
  return cursor->status();
}

StatusOr<const StoredSources::Stream*> StoredSources::Find(const std::string& stream) const {
  std::vector<std::string> names;
  for (const auto& [name, known] : streams_) {
    if (name == stream) return &known;
    names.push_back(name);
  }
  return NotFound("there is no stream '", stream, "' in ", where_,
                  SpellingHint(stream, "streams", names));
}

std::string StoredSources::CostOf(const SourceChange& change) const {
  const Stream& stream = streams_.at(change.stream);
  const StoredSource& source = FindIn(stream, change.partition);
  const std::optional<Position> now = PositionOf(source);
  const Position to = change.to.value_or(Position());
  if (now == change.to || (now && *now == to && to.empty()))
    return "nothing: it stands there already";
  if (!now) {
    return "it stands at its beginning; the rows before the position will be skipped, how many is "
           "unknown";
  }
  if (const auto again = RowsAfter(source, to, *now)) {
    return Concat(Rows(*again), " will be read again");
  }
  if (to.empty()) {
    uint64_t rows = 0;
    for (const StoredSource::Range& range : source.ranges) rows += range.rows;
    return Concat("all of it will be read again: ", Rows(rows), " of the batches since txid ",
                  groups_.at(stream.numbers.group).first.value(),
                  ", and those before, whose number is unknown");
  }
  return "rows will be read again if the position lies before this one, skipped if it lies behind; "
         "how many is unknown";
}

Status StoredSources::Add(const SourceChange& change, WriteSet& changes) const {
  const StoredStream& numbers = streams_.at(change.stream).numbers;
  PositionRow row;
  if (const auto group = groups_.find(numbers.group); group != groups_.end()) {
    row.after = group->second.last;
    if (group->second.cuts.upper_bound(row.after) != group->second.cuts.end()) {
      return FailedPrecondition(
          where_, " has a batch of group ", numbers.group.value(), ", txid ",
          row.after.Next().value(),
          ", that a state outside of it may have taken already, and that "
          "must be made again of the same rows; nothing was changed. Start the topology, and stop "
          "it when this batch is committed");
    }
  }
  row.by = change.to ? PositionRow::By::kHand : PositionRow::By::kForgotten;
  row.at = change.to.value_or(Position());
  changes.Put(Table::kDecision, PositionKey({numbers.group, numbers.spout, change.partition}),
              EncodePosition(row));
  return {};
}

void StoredSources::AddForgotten(const std::string& stream, WriteSet& changes) const {
  DeleteStream(stream, changes);
}

}  // namespace trident
