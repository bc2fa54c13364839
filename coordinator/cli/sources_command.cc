// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/letter_partition.h"
#include "base/spelling.h"
#include "coordinator/cli/change_commands.h"
#include "coordinator/cli/directory/resting_directory.h"
#include "coordinator/cli/directory/state_changes.h"
#include "coordinator/cli/directory/stored_sources.h"
#include "coordinator/cli/directory_commands.h"
#include "coordinator/cli/json.h"
#include "state/disk/store_identity.h"

namespace trident {
namespace {

constexpr std::string_view kStopIt =
    "its sources move on, and `trident batches` tells how far they are behind; stop it first";
constexpr std::string_view kHexPrefix = "hex:";
constexpr std::string_view kHexDigits = "0123456789abcdef";

// A position as it can be typed: itself, or its bytes where it is no printable text.
std::string PositionText(const Position& position) {
  if (OneLine(position) == position && !position.starts_with(kHexPrefix)) return position;
  std::string out(kHexPrefix);
  for (const char c : position) {
    out += kHexDigits[static_cast<unsigned char>(c) >> 4];
    out += kHexDigits[static_cast<unsigned char>(c) & 0xf];
  }
  return out;
}

StatusOr<Position> ParsePosition(const std::string& text) {
  if (!text.starts_with(kHexPrefix)) return Position(text);
  const std::string_view hex = std::string_view(text).substr(kHexPrefix.size());
  Position out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const size_t high = kHexDigits.find(hex[i]);
    const size_t low = i + 1 < hex.size() ? kHexDigits.find(hex[i + 1]) : std::string_view::npos;
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return InvalidArgument("position '", text,
                             "': behind hex: stand two of 0-9 a-f for each byte");
    }
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string HowText(const StoredSource& source) {
  if (!source.row || source.row->by == PositionRow::By::kDecision) return "read";
  const char* what = source.row->by == PositionRow::By::kHand ? "set" : "forgotten";
  return Concat(what, " after txid ", source.row->after.value());
}

std::string WhereText(const StoredSource& source) {
  if (!source.row || source.row->by == PositionRow::By::kForgotten) return "(its beginning)";
  if (source.row->at.empty()) return "(its beginning)";
  return PositionText(source.row->at);
}

void PrintSources(const StoredSources& sources, Console& console) {
  std::vector<std::vector<std::string>> table = {{"STREAM", "PARTITION", "POSITION", "HOW"}};
  for (const auto& [name, stream] : sources.streams()) {
    if (stream.partitions.empty() && !console.json()) {
      table.push_back({OneLine(name), "-", "(nothing was read)", ""});
    }
    for (const auto& [partition, source] : stream.partitions) {
      if (!console.json()) {
        table.push_back({OneLine(name), OneLine(partition), WhereText(source), HowText(source)});
        continue;
      }
      JsonObject json;
      json.Add("stream", JsonText(name))
          .Add("group", JsonNumber(stream.numbers.group.value()))
          .Add("partition", JsonText(partition));
      if (source.row && source.row->by != PositionRow::By::kForgotten) {
        json.Add("position", JsonText(PositionText(source.row->at)));
      }
      console.out << json.Add("how", JsonText(HowText(source))).Done() << '\n';
    }
  }
  if (!console.json()) console.out << TableText(table);
}

Status Show(const std::string& dir, Console& console) {
  TRIDENT_ASSIGN_OR_RETURN(const auto store, RestingDirectory::OpenFiles(dir, kStopIt));
  TRIDENT_ASSIGN_OR_RETURN(const StoredSources sources, StoredSources::Read(*store));
  PrintSources(sources, console);
  return {};
}

// The changes that `args` ask for.
StatusOr<std::vector<SourceChange>> ChangesOf(const SourceArgs& args, const StoredSources& sources,
                                              const std::optional<Position>& to) {
  TRIDENT_ASSIGN_OR_RETURN(const StoredSources::Stream* stream, sources.Find(args.stream));
  std::vector<std::string> partitions;
  for (const auto& [name, source] : stream->partitions) partitions.push_back(name);
  if (!args.partition) {
    std::vector<SourceChange> all;
    for (const std::string& name : partitions) all.push_back({args.stream, name, to});
    return all;
  }
  if (*args.partition == kLetterPartition) {
    return FailedPrecondition("'", *args.partition,
                              "' is no source partition: by it a running topology reads what is "
                              "asked of dead letters. It cannot be set or forgotten; `trident "
                              "deadletters` retries and drops letters");
  }
  if (!stream->partitions.contains(*args.partition)) {
    return NotFound("stream '", args.stream, "' has no source partition '", *args.partition, "'",
                    SpellingHint(*args.partition, "partitions", partitions));
  }
  return std::vector<SourceChange>{{args.stream, *args.partition, to}};
}

std::string PlaceText(const std::optional<Position>& at) {
  return !at || at->empty() ? "its beginning" : PositionText(*at);
}

void PrintCost(const StoredSources& sources, const SourceChange& change, Console& console) {
  const std::string from = PlaceText(sources.PlaceOf(change.stream, change.partition));
  if (console.json()) {
    console.out << JsonObject()
                       .Add("stream", JsonText(change.stream))
                       .Add("partition", JsonText(change.partition))
                       .Add("from", JsonText(from))
                       .Add("to", JsonText(PlaceText(change.to)))
                       .Add("cost", JsonText(sources.CostOf(change)))
                       .Done()
                << '\n';
    return;
  }
  console.out << "stream " << OneLine(change.stream) << ", partition " << OneLine(change.partition)
              << ", from " << from << " to " << PlaceText(change.to) << ": "
              << sources.CostOf(change) << '\n';
}

Status Change(const SourceArgs& args, const std::optional<Position>& to, Console& console) {
  // A store that is opened to be changed has changed: what will be refused is refused before.
  {
    TRIDENT_ASSIGN_OR_RETURN(const auto files, RestingDirectory::OpenFiles(args.dir, kStopIt));
    TRIDENT_ASSIGN_OR_RETURN(const StoredSources sources, StoredSources::Read(*files));
    TRIDENT_ASSIGN_OR_RETURN(const auto changes, ChangesOf(args, sources, to));
    for (const SourceChange& change : changes) TRIDENT_RETURN_IF_ERROR(sources.Check(change));
  }
  std::unique_ptr<RocksStore> store;
  if (args.yes) {
    TRIDENT_ASSIGN_OR_RETURN(store, OpenToChange(args.dir));
  } else {
    TRIDENT_ASSIGN_OR_RETURN(store, RestingDirectory::OpenFiles(args.dir, kStopIt));
  }
  TRIDENT_ASSIGN_OR_RETURN(const StoredSources sources, StoredSources::Read(*store));
  TRIDENT_ASSIGN_OR_RETURN(const auto changes, ChangesOf(args, sources, to));
  TRIDENT_ASSIGN_OR_RETURN(const StoreIdentity identity, ReadIdentity(*store));
  WriteSet write;
  TRIDENT_RETURN_IF_ERROR(AddUpkeep(*store, identity, write));
  for (const SourceChange& change : changes) {
    TRIDENT_RETURN_IF_ERROR(sources.Add(change, write));
  }
  for (const SourceChange& change : changes) PrintCost(sources, change, console);
  if (to && !sources.KnowsForm(args.stream)) {
    console.err << "(whether the source has such a position is not known here; `explain --against` "
                   "of its program tells)\n";
  }
  if (sources.MayGoBack(args.stream)) {
    console.err
        << "(what states and others have counted stays: rows that are read again count again, "
           "rows that are skipped are never counted)\n";
  }
  if (!args.yes) return InvalidArgument("nothing was changed; add --yes to do it");
  if (!args.partition) sources.AddForgotten(args.stream, write);
  return store->Write(write, Durability::kSynced);
}

}  // namespace

ExitCode ListSources(const SourceArgs& args, Console& console) {
  return ReportDirectory(console, Show(args.dir, console));
}

ExitCode ForgetSources(const SourceArgs& args, Console& console) {
  return ReportDirectory(console, Change(args, std::nullopt, console));
}

ExitCode SetSource(const SourceArgs& args, Console& console) {
  const StatusOr<Position> to = ParsePosition(args.position);
  if (!to.ok()) return ReportDirectory(console, to.status());
  return ReportDirectory(console, Change(args, *to, console));
}

}  // namespace trident
