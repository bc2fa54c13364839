// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/directory/stored_sources.h"

#include <utility>

#include "base/letter_partition.h"
#include "base/position_form.h"
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

std::string Counted(uint64_t n, std::string_view what) {
  return Concat(n, " ", what, n == 1 ? "" : "s");
}
std::string Rows(uint64_t n) { return Counted(n, "row"); }

// What the two positions themselves tell; "" where they do not.
std::string CostByCount(const PositionForm& form, const Position& now, const Position& to) {
  const auto before = CountBefore(form, now);
  const auto after = CountBefore(form, to);
  if (!before || !after || *before == *after) return "";
  const bool is_back = *after < *before;
  const uint64_t n = is_back ? *before - *after : *after - *before;
  const std::string_view what = is_back ? " will be read again" : " will be skipped";
  if (form.counts == "row") return Rows(n) + std::string(what);
  return Concat("up to ", Counted(n, form.counts), what, "; how many rows is unknown");
}

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
    const bool is_unseen = found == by_number.end() || partition == kLetterPartition;
    return is_unseen ? nullptr : &found->second->partitions[partition];
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

Status StoredSources::Check(const SourceChange& change) const {
  const std::optional<PositionForm>& form = streams_.at(change.stream).numbers.positions;
  if (!change.to || !form || Fits(*form, *change.to)) return {};
  const auto now = PlaceOf(change.stream, change.partition);
  return InvalidArgument("stream '", change.stream, "' has no position '", *change.to,
                         "': expected ", ToString(*form),
                         now && !now->empty() ? Concat(", such as '", *now, "'") : std::string(),
                         "; nothing was changed");
}

bool StoredSources::KnowsForm(const std::string& stream) const {
  const std::optional<PositionForm>& form = streams_.at(stream).numbers.positions;
  return form && !form->pattern.empty();
}

bool StoredSources::MayGoBack(const std::string& stream) const {
  const std::optional<PositionForm>& form = streams_.at(stream).numbers.positions;
  return !form || form->goes_back != PositionForm::GoesBack::kNo;
}

std::optional<Position> StoredSources::PlaceOf(const std::string& stream,
                                               const std::string& partition) const {
  return PositionOf(FindIn(streams_.at(stream), partition));
}

std::string StoredSources::CostOf(const SourceChange& change) const {
  const Stream& stream = streams_.at(change.stream);
  const StoredSource& source = FindIn(stream, change.partition);
  const std::optional<Position> now = PositionOf(source);
  const Position to = change.to.value_or(Position());
  if (now == change.to || (now && *now == to && to.empty())) {
    return "nothing: it stands there already";
  }
  const PositionForm form = stream.numbers.positions.value_or(PositionForm());
  if (!MayGoBack(change.stream)) {
    return "no row is read again or skipped: its source cannot go back, and gives what comes next; "
           "only the count goes on from there";
  }
  const auto again = now ? RowsAfter(source, to, *now) : std::nullopt;
  if (again) return Concat(Rows(*again), " will be read again");
  if (std::string cost = CostByCount(form, now.value_or(Position()), to); !cost.empty()) {
    return cost;
  }
  if (!now) {
    return "it stands at its beginning; the rows before the position will be skipped, how many is "
           "unknown";
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
