// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/input_files.h"

#include <dirent.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/limits.h"
#include "base/logging.h"
#include "trident/spouts/left_out_lines.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

// Why the file is no text; "" if nothing speaks against it. One that is damaged is a text: it is
// missed.
std::string WhyNoText(const OpenFile& file) {
  char buffer[kTextHeadBytes];
  const std::string_view head(buffer, file.Read(0, buffer).value_or(0));
  const TextEncoding inner = file.is_packed() ? EncodingOf(head) : TextEncoding::kPlain;
  if (IsPacked(inner)) return "is compressed twice; unpack it once";
  if (IsUtf16(inner)) return "holds UTF-16 and is compressed; unpack it first";
  if (head.find('\0') != std::string_view::npos) return "is no text: it holds bytes of 0";
  return "";
}

// Null: the map, whose values are pointers, has no such key.
template <class Map>
typename Map::mapped_type Lookup(const Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

// Calls call(path, inode) for all that a folder holds.
template <class Call>
void ForEachIn(const std::string& folder, const Call& call) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (dir == nullptr) return;
  while (const dirent* entry = ::readdir(dir.get())) {
    call((fs::path(folder) / entry->d_name).string(), entry->d_ino);
  }
}

// Calls call(name) for each name after which `path` may be named as a rotation names files.
template <class Call>
void ForEachNamesake(const std::string& path, const Call& call) {
  for (size_t end = path.find_first_of(kBehindName); end != std::string::npos;
       end = path.find_first_of(kBehindName, end + 1)) {
    call(path.substr(0, end));
  }
}

const char* const kWayOut =
    "; put the first file back, or let the new one be read from its beginning (--replaced next), "
    "or "
    "start anew with an empty state directory";

}  // namespace

InputFiles::InputFiles(const TextFileOptions& options, std::function<void()> look)
    : options_(options), look_(std::move(look)) {}

Status InputFiles::Resume(const std::vector<SourcePosition>& committed) {
  MutexLock lock(mutex_);
  // Who plans a start asks for the partitions just before, and files may come in tens of thousands.
  const bool is_fresh = std::exchange(is_fresh_, false) && is_open_;
  if (is_fresh && committed == committed_) return absl::OkStatus();
  committed_ = committed;
  is_open_ = false;
  entries_.clear();
  partitions_.clear();
  by_partition_.clear();
  by_place_.clear();
  by_path_.clear();
  numbers_.clear();
  undecided_.clear();
  held_ = 0;
  return absl::OkStatus();
}

StatusOr<std::vector<InputFiles::Known>> InputFiles::GroupRows() const {
  std::map<std::pair<std::string, uint32_t>, Known> files;
  for (const SourcePosition& row : committed_) {
    const auto partition = TextPartition::Parse(row.partition);
    if (!partition || row.position.empty()) continue;  // it is refused when it is read
    TRIDENT_ASSIGN_OR_RETURN(const TextPosition at,
                             TextPosition::Parse(row.position, partition->path));
    Known& known = files[{partition->path, partition->number}];
    known.path = partition->path;
    known.number = partition->number;
    known.rows[partition->reader] = row;
    known.positions.push_back(at);
    // A file that was found at another place has that place in the newest positions.
    if (at.mark.tail_end >= known.mark.tail_end) {
      known.mark = at.mark;
      known.id = at.file;
    }
  }
  std::vector<Known> all;
  for (auto& [name, known] : files) all.push_back(std::move(known));
  return all;
}

// A reader stands where it stopped to read, or at the beginning of a split. A position at another
// place was set by hand, and must be the beginning of a line: else half a line would be one. Those
// of earlier versions do not tell; Holds looks at their lines.
Status InputFiles::CheckLineBegin(const TextPosition& at, const OpenFile& file,
                                  const std::string& path) {
  const bool is_own = at.file == FileId{} || at.offset == at.mark.tail_end ||
                      at.offset % at.splits.split_bytes == 0;
  if (is_own) return absl::OkStatus();
  char before = 0;
  TRIDENT_ASSIGN_OR_RETURN(const size_t got, file.Read(at.offset - 1, {&before, 1}));
  if (got == 1 && before == '\n') return absl::OkStatus();
  return FailedPrecondition("a position of the input file \"", path, "\" was set by hand to byte ",
                            at.offset, got == 1 ? ", which lies within a line" : ", behind its end",
                            "; set it to where a line begins (`trident sources DIR set`), or let ",
                            "the file be read from its beginning (`forget`)");
}

// Positions of earlier versions know the first bytes alone: a line must end before them too.
StatusOr<bool> InputFiles::Holds(const Known& known, const OpenFile& file, uint64_t size) {
  for (const TextPosition& at : known.positions) {
    if (!file.Holds(at.mark)) return false;
    const bool is_old = at.file == FileId{};
    if (!is_old || at.offset == 0 || at.offset % at.splits.split_bytes == 0) continue;
    if (at.offset > size && file.text() == nullptr) return false;
    char before = 0;
    TRIDENT_ASSIGN_OR_RETURN(const size_t got, file.Read(at.offset - 1, {&before, 1}));
    if (got != 1 || (before != '\n' && at.offset != size)) return false;
  }
  return true;
}

Status InputFiles::Open() {
  MutexLock lock(mutex_);
  is_fresh_ = !is_open_;
  if (is_open_) return absl::OkStatus();
  places_ = PlaceFinder();
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<Known> known, GroupRows());
  std::set<std::string> paths;
  for (const Known& each : known) paths.insert(each.path);
  TRIDENT_ASSIGN_OR_RETURN(InputListing listing,
                           ListInput(options_.paths, options_.follow, [&](const std::string& path) {
                             return paths.contains(path);
                           }));
  for (const std::string& what : listing.left_out) Say(what);
  folders_ = listing.folders;

  Unmatched files = std::move(listing.files);
  Matches matches;
  TRIDENT_RETURN_IF_ERROR(MatchListed(known, files, matches));
  MatchBeside(known, matches);
  TRIDENT_RETURN_IF_ERROR(MatchContent(known, files, matches));
  TRIDENT_RETURN_IF_ERROR(CheckReplaced(known, files, matches));
  for (const Known& each : known) {
    uint32_t& last = numbers_[each.path];
    last = std::max(last, each.number);
    const auto match = matches.find(&each);
    if (match != matches.end()) TRIDENT_RETURN_IF_ERROR(AddKnown(each, match->second));
  }
  for (const FoundFile& found : files) {
    // It gives nothing in this run, and there may be tens of thousands. But a spout needs one.
    const bool is_nothing = options_.follow == Follow::kNo && found.facts.size == 0;
    if (is_nothing && (!entries_.empty() || &found != &files.back())) continue;
    TRIDENT_ASSIGN_OR_RETURN(auto open, OpenFile::Open(found.path));
    // Look takes it up once it is whole.
    if (options_.follow == Follow::kYes && open->is_packed()) continue;
    TRIDENT_RETURN_IF_ERROR(AddNew(found, std::move(open), known, matches));
  }
  is_open_ = true;
  return absl::OkStatus();
}

// The same file by its id, wherever it is; else by its path. There may be tens of thousands.
Status InputFiles::MatchListed(const std::vector<Known>& known, Unmatched& files,
                               Matches& matches) {
  std::map<FileId, const FoundFile*> by_id;
  std::unordered_map<std::string_view, const FoundFile*> by_path;
  for (const FoundFile& file : files) {
    by_id.emplace(file.facts.id, &file);
    by_path.emplace(file.path, &file);
  }
  std::set<const FoundFile*> matched;
  for (const bool is_by_id : {true, false}) {
    for (const Known& each : known) {
      if (matches.contains(&each)) continue;
      const FoundFile* const found =
          is_by_id ? Lookup(by_id, each.id) : Lookup(by_path, std::string_view(each.path));
      if (found == nullptr || matched.contains(found)) continue;
      TRIDENT_ASSIGN_OR_RETURN(auto open, OpenFile::Open(found->path));
      TRIDENT_ASSIGN_OR_RETURN(const bool holds, Holds(each, *open, found->facts.size));
      if (!holds) continue;
      matches[&each] = {found->path, std::move(open)};
      matched.insert(found);
    }
  }
  Unmatched others;
  for (FoundFile& file : files) {
    if (!matched.contains(&file)) others.push_back(std::move(file));
  }
  files = std::move(others);
  return absl::OkStatus();
}

// What lost its place in the input may still stand beside it: a rotation renames or copies it. Each
// folder is looked through once.
void InputFiles::MatchBeside(const std::vector<Known>& known, Matches& matches) {
  struct Folder {
    std::unordered_map<std::string, std::vector<const Known*>> by_path;  // what was lost there
    std::unordered_map<uint64_t, std::vector<const Known*>> by_inode;
  };
  std::map<std::string, Folder> folders;
  for (const Known& each : known) {
    if (matches.contains(&each) || each.mark.IsEmpty()) continue;
    Folder& folder = folders[fs::path(each.path).parent_path().string()];
    folder.by_path[each.path].push_back(&each);
    if (each.id != FileId{}) folder.by_inode[each.id.inode].push_back(&each);
  }
  if (folders.empty()) return;
  struct Places {
    std::string same_file;
    std::vector<std::string> named_after;
  };
  std::map<const Known*, Places> places;
  for (const auto& [name, known_in_it] : folders) {
    const Folder& folder = known_in_it;  // a lambda may not capture a binding
    ForEachIn(name, [&](const std::string& path, uint64_t inode) {
      if (const auto found = folder.by_inode.find(inode); found != folder.by_inode.end()) {
        const auto facts = FactsOf(path);
        for (const Known* each : found->second) {
          if (facts.ok() && facts->id == each->id) places[each].same_file = path;
        }
      }
      ForEachNamesake(path, [&](const std::string& of) {
        const auto found = folder.by_path.find(of);
        if (found == folder.by_path.end()) return;
        for (const Known* each : found->second) places[each].named_after.push_back(path);
      });
    });
  }
  std::set<std::string> taken;
  for (const auto& [each, match] : matches) taken.insert(places_.Of(match.path));
  for (const Known& each : known) {
    const auto of = places.find(&each);
    if (of == places.end()) continue;
    std::vector<std::string> tried = {of->second.same_file};
    tried.insert(tried.end(), of->second.named_after.begin(), of->second.named_after.end());
    for (const std::string& place : tried) {
      if (place.empty() || taken.contains(PlaceOf(place))) continue;
      auto open = OpenFile::Open(place);
      if (!open.ok()) continue;
      const auto facts = (*open)->Facts();
      const auto holds = facts.ok() ? Holds(each, **open, facts->size) : facts.status();
      if (!holds.ok() || !*holds) continue;
      taken.insert(PlaceOf(place));
      matches[&each] = {place, *std::move(open)};
      break;
    }
  }
}

Status InputFiles::CannotTell(const Known& known, const std::string& path,
                              const std::string& other) {
  return FailedPrecondition(
      "it cannot be told which input file \"", known.path, "\" is now, of which ",
      known.mark.tail_end, " bytes were read: \"", path, "\" holds them, and so does ", other,
      "; put the file back under its path, or take one of them out of the input");
}

// An unknown file that holds all that was read of one that is nowhere: it is that one.
Status InputFiles::MatchContent(const std::vector<Known>& known, Unmatched& files,
                                Matches& matches) {
  // What stands beside the input and is listed as well is no longer to be matched.
  if (files.empty()) return absl::OkStatus();
  std::set<std::string> taken_places;
  for (const auto& [each, match] : matches) taken_places.insert(places_.Of(match.path));
  std::erase_if(files, [&](const FoundFile& file) TRIDENT_NO_THREAD_SAFETY_ANALYSIS {
    return !taken_places.empty() && taken_places.contains(places_.Of(file.path));
  });
  std::vector<const Known*> lost;
  for (const Known& each : known) {
    if (!matches.contains(&each) && !each.mark.IsEmpty()) lost.push_back(&each);
  }
  if (lost.empty()) return absl::OkStatus();
  std::map<const Known*, std::string> candidates;
  for (auto file = files.begin(); file != files.end();) {
    TRIDENT_ASSIGN_OR_RETURN(auto open, OpenFile::Open(file->path));
    const Known* match = nullptr;
    const Known* taken = nullptr;
    for (const Known* each : lost) {
      TRIDENT_ASSIGN_OR_RETURN(const bool holds, Holds(*each, *open, file->facts.size));
      if (!holds) continue;
      if (match != nullptr && !(match->mark == each->mark)) {
        return CannotTell(*each, file->path, "what was read of \"" + match->path + "\"");
      }
      // Two that were read equally far are as good as each other.
      const bool is_taken = candidates.contains(each);
      if (is_taken) taken = each;
      if (!is_taken && match == nullptr) match = each;
    }
    if (match == nullptr && taken != nullptr) {
      return CannotTell(*taken, file->path, "\"" + candidates[taken] + "\"");
    }
    if (match == nullptr) {
      ++file;
      continue;
    }
    candidates[match] = file->path;
    matches[match] = {file->path, std::move(open)};
    file = files.erase(file);
  }
  return absl::OkStatus();
}

// Of a file that is not followed, another one under the same path is a fault, unless it is asked
// for.
Status InputFiles::CheckReplaced(const std::vector<Known>& known, const Unmatched& files,
                                 const Matches& matches) const {
  std::unordered_map<std::string_view, const FoundFile*> by_path;
  for (const FoundFile& file : files) by_path.emplace(file.path, &file);
  for (const Known& each : known) {
    const FoundFile* const other = Lookup(by_path, std::string_view(each.path));
    const auto match = matches.find(&each);
    if (match != matches.end() && (other == nullptr || !other->is_given)) continue;
    if (other == nullptr) {
      TRIDENT_LOG(INFO) << "the input file \"" << each.path << "\", read up to byte "
                        << each.mark.tail_end << ", is not in the input any more";
      continue;
    }
    if (options_.follow == Follow::kYes || options_.replaced == Replaced::kNext) {
      if (match != matches.end()) continue;
      TRIDENT_LOG(WARN) << "the input file \"" << each.path << "\" is another one now; what may be "
                        << "left of the first one behind byte " << each.mark.tail_end
                        << " was not found";
      continue;
    }
    if (match != matches.end()) {
      return FailedPrecondition("the input file \"", each.path,
                                "\" is not the one that was read up to byte ", each.mark.tail_end,
                                ": that one is \"", match->second.path, "\" now", kWayOut);
    }
    const bool is_shorter =
        each.mark.packed.file_bytes == 0 && other->facts.size < each.mark.LeastBytes();
    return FailedPrecondition(
        "the input file \"", each.path, "\" is not the one that was read up to byte ",
        each.mark.tail_end, ": ",
        is_shorter ? Concat("it has only ", other->facts.size, " bytes now")
                   : std::string("its first bytes, or those that were read last, differ"),
        kWayOut);
  }
  return absl::OkStatus();
}

// Looks the names up, because each of many new files asks.
std::vector<InputFiles::Entry*> InputFiles::NamesakesOf(const std::string& path) const {
  std::vector<Entry*> found;
  ForEachNamesake(path, [&](const std::string& of) TRIDENT_NO_THREAD_SAFETY_ANALYSIS {
    const auto [first, last] = by_path_.equal_range(of);
    for (auto at = first; at != last; ++at) found.push_back(at->second);
  });
  return found;
}

bool InputFiles::IsCopyOfOneRead(const std::string& path, const OpenFile& open) const {
  for (const Entry* entry : NamesakesOf(path)) {
    const FileMark mark = entry->file->mark();
    if (!mark.IsEmpty() && mark.tail_end > 0 && open.Holds(mark)) return true;
  }
  return false;
}

void InputFiles::Say(const std::string& what) {
  if (said_.insert(what).second) TRIDENT_LOG(WARN) << what;
}

Status InputFiles::AddKnown(const Known& known, const Match& match) {
  Entry entry;
  entry.path = known.path;
  entry.number = known.number;
  const bool is_whole = known.positions.front().splits == TextSplits::Whole();
  entry.splits_before = is_whole ? TextSplits::Whole() : options_.splits;
  for (const TextPosition& at : known.positions) {
    TRIDENT_RETURN_IF_ERROR(at.CheckSplits(*entry.splits_before, known.path));
    TRIDENT_RETURN_IF_ERROR(CheckLineBegin(at, *match.open, known.path));
  }
  entry.readers_listed = std::min(known.rows.rbegin()->first + 1, entry.splits_before->readers);
  return AddEntry(std::move(entry), match.open, known.mark);
}

Status InputFiles::AddNew(const FoundFile& found, std::shared_ptr<const OpenFile> open,
                          const std::vector<Known>& known, const Matches& matches) {
  if (!found.is_given && IsCopyOfOneRead(found.path, *open)) {
    Say(Concat("\"", found.path, "\" holds what was read of the file that it is named after, and ",
               "is left out as a copy of it"));
    return absl::OkStatus();
  }
  if (const std::string why = WhyNoText(*open); !why.empty()) {
    const std::string what = Concat("the input file \"", found.path, "\" ", why);
    if (found.is_given) return InvalidArgument(what);
    Say(what + "; it is left out");
    return absl::OkStatus();
  }
  // The number of a file that is nowhere any more is free again, so that they do not grow for ever.
  // But only if one reader had it and one reader gets it: among the positions of several, those of
  // the file before would stay until each reader has moved, and nothing would hold both.
  const bool has_one_reader =
      open->text() != nullptr || found.facts.size <= options_.splits.split_bytes;
  Entry entry;
  entry.path = found.path;
  entry.number = numbers_[found.path] + 1;
  const auto namesakes = std::equal_range(known.begin(), known.end(), found.path, PathIsLess());
  for (auto at = namesakes.first; at != namesakes.second; ++at) {
    const Known& each = *at;
    if (matches.contains(&each) || each.number >= entry.number) continue;
    if (!has_one_reader || each.rows.size() > 1 || !each.rows.contains(0)) continue;
    const auto [first, last] = by_path_.equal_range(each.path);
    const bool is_taken = std::any_of(
        first, last, [&](const auto& other) { return other.second->number == each.number; });
    if (is_taken) continue;
    entry.number = each.number;
    entry.beginnings.clear();
    for (const auto& [reader, row] : each.rows) entry.beginnings[reader] = row.position;
  }
  uint32_t& last = numbers_[found.path];
  last = std::max(last, entry.number);
  return AddEntry(std::move(entry), std::move(open), {});
}

Status InputFiles::AddEntry(Entry entry, std::shared_ptr<const OpenFile> open,
                            const FileMark& mark) {
  TRIDENT_ASSIGN_OR_RETURN(entry.seen, open->Facts());
  InputFile::Spec spec{.path = entry.path,
                       .follow = options_.follow,
                       .replaced = options_.replaced,
                       .last_line = options_.last_line,
                       .line_bytes_max = options_.rules.line_bytes_max,
                       .splits = options_.splits,
                       .splits_before = entry.splits_before,
                       .patience = options_.patience_nanos,
                       .held = held_ < kFilesHeldMax ? InputFile::Held::kYes : InputFile::Held::kNo,
                       .changed = look_};
  ++held_;
  const std::string place = places_.Of(open->path());
  entry.found_at = open->path();
  entry.file = std::make_shared<InputFile>(std::move(spec), place, std::move(open), mark);
  TRIDENT_RETURN_IF_ERROR(entry.file->Begin());
  entry.silent_since = RealClock().MonotonicNanos();
  const uint32_t readers = std::exchange(entry.readers_listed, 0);
  entries_.push_back(std::make_unique<Entry>(std::move(entry)));
  Entry& added = *entries_.back();
  by_place_[place] = &added;
  by_path_.emplace(added.path, &added);
  folders_.insert(fs::path(place).parent_path().string());
  while (added.readers_listed < std::max(readers, 1u)) ListNextReader(added);
  ListReaders(added);
  return absl::OkStatus();
}

void InputFiles::ListNextReader(Entry& entry) {
  const uint32_t reader = entry.readers_listed++;
  std::string name = TextPartition{entry.path, entry.number, reader}.ToString();
  by_partition_[name] = {&entry, reader};
  partitions_.push_back(std::move(name));
}

// Small files come in thousands: readers with nothing to read are left out while they have.
bool InputFiles::ListReaders(Entry& entry) {
  bool any = false;
  if (!entry.beginnings.empty() && !entry.file->has_committed()) return false;
  const TextSplits splits = entry.file->splits();
  const uint64_t size = std::max(entry.seen.size, entry.file->size_seen());
  while (entry.readers_listed < splits.readers &&
         splits.NextOwned(entry.readers_listed, 0) < size) {
    ListNextReader(entry);
    any = true;
  }
  return any;
}

StatusOr<InputFiles::Share> InputFiles::Find(const std::string& partition) const {
  MutexLock lock(mutex_);
  const auto found = by_partition_.find(partition);
  if (found == by_partition_.end()) {
    return NotFound("\"", partition, "\" is no source partition of these text files");
  }
  const auto& [entry, reader] = found->second;
  const auto beginning = entry->beginnings.find(reader);
  return Share{entry->file, reader,
               beginning == entry->beginnings.end() ? Position() : beginning->second};
}

std::vector<std::string> InputFiles::PartitionsFrom(size_t known) const {
  MutexLock lock(mutex_);
  if (known >= partitions_.size()) return {};
  return {partitions_.begin() + static_cast<ptrdiff_t>(known), partitions_.end()};
}

uint64_t InputFiles::LinesLeft() const {
  MutexLock lock(mutex_);
  return std::count_if(entries_.begin(), entries_.end(),
                       [](const auto& entry) { return entry->file->bytes_without_end() > 0; });
}

std::vector<std::string> InputFiles::LeftOut() const {
  LeftOutLines left, skipped;
  {
    MutexLock lock(mutex_);
    for (const auto& entry : entries_) {
      if (entry->file->bytes_without_end() > 0) left.Add(entry->found_at, 1);
      skipped.Add(entry->found_at, entry->file->counts().skipped_lines);
    }
  }
  std::vector<std::string> out;
  if (!left.empty()) {
    out.push_back(left.ToString("without an end yet, the last of", kCountsLater));
  }
  if (!skipped.empty()) {
    out.push_back(skipped.ToString("left out as too long or no UTF-8, of", kCountedAgain));
  }
  return out;
}

std::set<std::string> InputFiles::Folders() const {
  MutexLock lock(mutex_);
  return folders_;
}

}  // namespace trident
