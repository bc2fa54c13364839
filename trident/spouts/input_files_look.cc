// SPDX-License-Identifier: Apache-2.0
//
// What becomes of followed files while the program runs.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/logging.h"
#include "trident/spouts/file_names.h"
#include "trident/spouts/input_files.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

// What stands at a new place may still be written: it is judged when it has been still this long.
constexpr Nanos kSettle = kSecond;
// A file that begins with so much of what was read of another is that one, even if the other one
// still has a name: an editor keeps it as a backup.
constexpr uint64_t kSureBytes = 1024;

// So much of a compressed file is checked before others are looked after again.
constexpr uint64_t kCheckBytes = 64 * 1024 * 1024;

}  // namespace

bool InputFiles::Touch(const std::string& place) {
  bool more = false;
  std::shared_ptr<InputFile> file;
  {
    MutexLock lock(mutex_);
    const auto found = by_place_.find(place);
    if (found == by_place_.end()) return false;
    Entry& entry = *found->second;
    file = entry.file;
    FileFacts facts;
    if (file->OpenNow(&facts) == nullptr) return false;
    entry.silent_since = RealClock().MonotonicNanos();
    entry.seen = facts;
    if (entry.is_finished) return false;
    more = ListReaders(entry);
  }
  file->readers().WakeAll();
  if (more) more_partitions_.WakeAll();
  return true;
}

InputFiles::Again InputFiles::Look() {
  const Nanos now = RealClock().MonotonicNanos();
  bool more = false;
  bool again = false;
  std::vector<std::shared_ptr<InputFile>> changed;
  std::vector<std::shared_ptr<const OpenFile>> to_check;
  {
    MutexLock lock(mutex_);
    if (!is_open_) return Again::kWhenTold;
    places_ = PlaceFinder();
    const size_t partitions = partitions_.size();
    const auto is_known = [&](const std::string& path) TRIDENT_REQUIRES(mutex_) {
      return by_place_.contains(path) || numbers_.contains(path);
    };
    auto listing = ListInput(options_.paths, options_.follow, is_known);
    if (!listing.ok()) {
      Say(Concat("the input is looked at again soon: ", Message(listing.status())));
      return Again::kSoon;
    }
    for (const std::string& what : listing->left_out) Say(what);
    folders_.insert(listing->folders.begin(), listing->folders.end());
    again = LookAtFound(*listing, now);
    LookAtMissing(now);
    for (const auto& entry : entries_) {
      ListReaders(*entry);
      if (entry->silent_since == now) changed.push_back(entry->file);
      again = again || (!entry->has_place && !entry->is_finished);
    }
    more = partitions_.size() > partitions;
    to_check = std::exchange(to_check_, {});
  }
  for (const auto& file : changed) file->readers().WakeAll();
  if (more) more_partitions_.WakeAll();
  if (to_check.empty()) return again ? Again::kSoon : Again::kWhenTold;
  // Without the lock, because it takes long. Its errors are seen by the next Look.
  return to_check.front()->Measure(kCheckBytes).ok() ? Again::kAtOnce : Again::kSoon;
}

bool InputFiles::LookAtFound(const InputListing& listing, Nanos now) {
  std::map<FileId, Entry*> by_id;
  for (const auto& entry : entries_) {
    entry->has_place = false;
    if (!entry->file->is_gone()) by_id[entry->file->id()] = entry.get();
  }
  std::vector<const FoundFile*> others;
  for (const FoundFile& found : listing.files) {
    const auto known = by_id.find(found.facts.id);
    if (known == by_id.end()) {
      others.push_back(&found);
      continue;
    }
    Entry& entry = *known->second;
    if (!(found.facts == entry.seen)) {
      FileFacts facts;
      if (entry.file->OpenNow(&facts) == nullptr && entry.file->is_gone()) {
        others.push_back(&found);
        continue;
      }
      entry.silent_since = now;
      entry.seen = found.facts;
      if (entry.is_finished) entry.file->Reopen();
      entry.is_finished = false;
    }
    entry.has_place = true;
    undecided_.erase(found.facts.id);
    if (found.path != entry.found_at) {  // it was renamed
      entry.found_at = found.path;
      auto open = OpenFile::Open(found.path);
      if (open.ok()) Move(entry, found.path, *std::move(open));
    }
  }
  bool again = false;
  for (const FoundFile* found : others) {
    if (LookAtNew(*found, now)) again = true;
  }
  return again;
}

bool InputFiles::LookAtNew(const FoundFile& found, Nanos now) {
  Undecided& wait = undecided_[found.facts.id];
  if (wait.since == 0) {
    for (const Entry* entry : NamesakesOf(found.path)) wait.marks[entry] = entry->file->mark();
  }
  if (wait.since == 0 || !(wait.facts == found.facts)) {
    wait.facts = found.facts;
    wait.since = now;
    wait.copy_of = nullptr;
    wait.open = nullptr;
  }
  // The file itself may be read farther meanwhile than its copy goes.
  if (wait.copy_of != nullptr && wait.copy_of->has_place) return false;
  std::shared_ptr<const OpenFile> open = wait.open;
  if (open == nullptr) {
    auto opened = OpenFile::Open(found.path);
    if (!opened.ok()) return false;
    open = *std::move(opened);
  }
  if (open->is_packed()) {
    wait.open = open;
    if (!IsChecked(open, wait.since, now)) return true;
  }
  Entry* entry = nullptr;
  const Verdict verdict = Judge(found, *open, now, &entry);
  if (verdict == Verdict::kWait) return true;
  if (verdict == Verdict::kLeaveOut) {
    wait.copy_of = entry;
    return false;
  }
  undecided_.erase(found.facts.id);
  if (verdict == Verdict::kContinues) {
    Move(*entry, found.path, std::move(open));
    entry->has_place = true;
    entry->seen = found.facts;
    entry->silent_since = now;
    if (entry->is_finished) entry->file->Reopen();
    entry->is_finished = false;
    return false;
  }
  const Status added = AddNew(found, std::move(open), {}, {});
  if (!added.ok()) Say(std::string(Message(added)));
  return false;
}

bool InputFiles::IsChecked(const std::shared_ptr<const OpenFile>& open, Nanos since, Nanos now) {
  const std::shared_ptr<EncodedText> text = open->text();
  if (text->extent()) return true;
  if (text->is_cut_short()) return now - since >= options_.patience_nanos;
  const auto measured = open->Measure(0);
  if (!measured.ok() && !text->is_cut_short()) return true;  // it is damaged
  if (measured.ok()) to_check_.push_back(open);
  return false;
}

InputFiles::Verdict InputFiles::Judge(const FoundFile& found, const OpenFile& open, Nanos now,
                                      Entry** which) {
  Undecided& wait = undecided_[found.facts.id];
  const bool is_settled = now - wait.since >= kSettle;
  bool may_wait = false;
  // A file may be compressed before anything of it was read.
  const auto mark_of = [&](const Entry& entry) {
    const FileMark mark = entry.file->mark();
    const bool is_unread = mark.tail_end == 0;
    const bool may_be_its_copy = open.is_packed() && IsNamedAfter(found.path, entry.path);
    return is_unread && may_be_its_copy ? entry.file->WholeMark() : mark;
  };
  for (const auto& entry : entries_) {
    if (entry->has_place) continue;
    const FileMark mark = mark_of(*entry);
    if (mark.tail_end == 0) continue;
    if (open.Holds(mark)) {
      FileFacts old;
      const bool has_name = entry->file->OpenNow(&old) != nullptr && old.links > 0;
      if (!has_name || mark.tail_end >= kSureBytes) {
        *which = entry.get();
        return Verdict::kContinues;
      }
      may_wait = true;  // its other name may be about to go
    } else if (entry->path == found.path || IsNamedAfter(found.path, entry->path)) {
      may_wait = may_wait || entry->file->BeginsLike(open);
    }
  }
  for (Entry* entry : NamesakesOf(found.path)) {
    if (!entry->has_place) continue;
    const FileMark mark = mark_of(*entry);
    if (mark.tail_end == 0) continue;
    // While the copy was written and looked at, the file itself may have been read farther.
    const auto then = wait.marks.find(entry);
    const bool held_then =
        then != wait.marks.end() && then->second.tail_end > 0 && open.Holds(then->second);
    if (held_then || open.Holds(mark)) {
      if (!wait.was_told) {
        Say(Concat("\"", found.path, "\" holds what was read of \"", entry->path,
                   "\", and is left out as a copy of it"));
      }
      wait.was_told = true;
      *which = entry;
      return Verdict::kLeaveOut;
    }
    may_wait = may_wait || entry->file->BeginsLike(open);
  }
  return may_wait && !is_settled ? Verdict::kWait : Verdict::kNew;
}

void InputFiles::Move(Entry& entry, const std::string& path, std::shared_ptr<const OpenFile> open) {
  const std::string place = PlaceOf(path);
  entry.file->MoveTo(place, std::move(open));
  entry.found_at = path;
  by_place_[place] = &entry;
  folders_.insert(fs::path(place).parent_path().string());
}

// A rotation that truncates has made a copy before.
void InputFiles::LookForCopy(Entry& entry) {
  std::error_code error;
  const fs::path folder = fs::path(entry.path).parent_path();
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string path = at->path().string();
    if (!IsNamedAfter(path, entry.path)) continue;
    auto open = OpenFile::Open(path);
    if (!open.ok() || !(*open)->Holds(entry.file->mark())) continue;
    return Move(entry, path, *std::move(open));
  }
}

// A file without a place in the input may still grow under the hands of who has it open.
void InputFiles::LookAtMissing(Nanos now) {
  for (const auto& each : entries_) {
    Entry& entry = *each;
    if (entry.has_place || entry.is_finished) continue;
    if (entry.file->is_gone()) LookForCopy(entry);
    FileFacts facts;
    const bool is_there = entry.file->OpenNow(&facts) != nullptr;
    if (is_there && !(facts == entry.seen)) {
      entry.seen = facts;
      entry.silent_since = now;
    }
    if (now - entry.silent_since < options_.rotate_wait_nanos) continue;
    if (!is_there && !entry.file->is_gone()) continue;  // away: it is waited for
    if (!is_there) {
      Say(Concat("the input file \"", entry.path, "\" was cut short or written over; what may ",
                 "have stood behind byte ", entry.file->mark().tail_end, " is lost"));
    }
    entry.file->Finish();
    entry.is_finished = true;
    entry.silent_since = now;  // wakes its readers, for the last line
  }
}

}  // namespace trident
