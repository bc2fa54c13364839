// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/input_file.h"

#include <dirent.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/hash.h"

namespace trident {
namespace {

// Enough to tell most files apart while they are written.
constexpr size_t kBeginningBytes = 256;
// So much of a compressed file is unpacked at once: others want the thread too.
constexpr uint64_t kPrepareBytes = 8 * 1024 * 1024;
constexpr uint64_t kAtOnce = ~uint64_t{0} / 2;

std::string Seconds(Nanos nanos) {
  return Concat(nanos / kSecond, ".", nanos % kSecond / (100 * kMillisecond), " s");
}

}  // namespace

std::string PlaceBeside(const std::string& place, FileId id) {
  const std::filesystem::path folder = std::filesystem::path(place).parent_path();
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (dir == nullptr) return "";
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_ino != id.inode) continue;
    std::string found = (folder / entry->d_name).string();
    const auto facts = FactsOf(found);
    if (facts.ok() && facts->id == id) return found;
  }
  return "";
}

InputFile::InputFile(Spec spec, std::string place, OpenRef open, FileMark mark)
    : spec_(std::move(spec)), place_(std::move(place)), open_(std::move(open)), mark_(mark) {}

Status InputFile::Begin() {
  MutexLock lock(mutex_);
  TRIDENT_ASSIGN_OR_RETURN(checked_, open_->Facts());
  id_ = checked_.id;
  SetEncoding(*open_);
  char beginning[kBeginningBytes];
  if (!mark_.IsEmpty()) {
    beginning_.assign(beginning, open_->Read(0, beginning).value_or(0));
  }
  if (IsPacked(encoding_)) {
    TRIDENT_RETURN_IF_ERROR(BeginPacked());
  } else {
    TRIDENT_ASSIGN_OR_RETURN(size_now_, TextBytes(*open_, checked_));
    size_seen_ = size_now_;
    if (spec_.follow == Follow::kNo && text_ != nullptr) end_ = LastLineEnd(*text_->extent());
    if (spec_.follow == Follow::kNo && text_ == nullptr) {
      TRIDENT_ASSIGN_OR_RETURN(end_, LastLineEnd(*open_, size_now_));
    }
    bytes_without_end_ = size_now_ - std::min(end_.value_or(size_now_), size_now_);
  }
  if (spec_.held == Held::kNo) open_ = nullptr;
  return absl::OkStatus();
}

StatusOr<uint64_t> InputFile::TextBytes(const OpenFile& open, const FileFacts& facts) {
  if (text_ == nullptr) return facts.size;
  // What was read is compared; behind it the file may have been written anew.
  text_->ForgetFrom(mark_.tail_end);
  TRIDENT_ASSIGN_OR_RETURN(const auto extent, open.Measure(kAtOnce));
  return extent->bytes;
}

Status InputFile::BeginPacked() {
  if (open_->IsPackedAs(mark_.packed)) {
    text_->Assume(mark_.packed.extent);
  } else if (spec_.splits_before.value_or(TextSplits::Whole()) != TextSplits::Whole()) {
    // Several readers had begun before somebody compressed it, and its length tells how many are
    // needed.
    TRIDENT_RETURN_IF_ERROR(open_->Measure(kAtOnce).status());
  }
  const auto extent = text_->extent();
  return extent ? SetMeasured(*open_, *extent) : absl::OkStatus();
}

Status InputFile::SetMeasured(const OpenFile& open, const TextExtent& extent) {
  TRIDENT_ASSIGN_OR_RETURN(packed_, open.Packed());
  size_seen_ = extent.bytes;
  // A followed one counts as finished.
  if (!end_) end_ = spec_.follow == Follow::kYes ? extent.bytes : LastLineEnd(extent);
  bytes_without_end_ = extent.bytes - std::min(*end_, extent.bytes);
  away_since_.reset();
  return absl::OkStatus();
}

void InputFile::SetEncoding(const OpenFile& open) {
  if (encoding_ != TextEncoding::kUndecided) return;
  encoding_ = open.encoding();
  text_ = open.text();
}

uint64_t InputFile::LastLineEnd(const TextExtent& extent) const {
  const bool is_line =
      spec_.last_line == LastLine::kYes || extent.bytes - extent.lines_end > spec_.line_bytes_max;
  return is_line ? extent.bytes : extent.lines_end;
}

// A part of a line that is longer than a line may be is left to the rule for long lines.
StatusOr<uint64_t> InputFile::LastLineEnd(const OpenFile& open, uint64_t size) const {
  if (spec_.last_line == LastLine::kYes) return size;
  constexpr uint64_t kStep = 64 * 1024;
  const uint64_t least = size > spec_.line_bytes_max ? size - spec_.line_bytes_max - 1 : 0;
  std::string block;
  for (uint64_t at = size; at > least;) {
    const uint64_t begin = at - least > kStep ? at - kStep : least;
    block.resize(at - begin);
    TRIDENT_ASSIGN_OR_RETURN(const size_t got, open.Read(begin, block));
    const size_t newline = std::string_view(block).substr(0, got).rfind('\n');
    if (newline != std::string_view::npos) return begin + newline + 1;
    at = begin;
  }
  return least > 0 ? size : 0;
}

std::string InputFile::place() const {
  MutexLock lock(mutex_);
  return place_;
}
FileId InputFile::id() const {
  MutexLock lock(mutex_);
  return id_;
}
std::optional<uint64_t> InputFile::end() const {
  MutexLock lock(mutex_);
  return end_;
}
uint64_t InputFile::bytes_without_end() const {
  MutexLock lock(mutex_);
  return bytes_without_end_;
}
uint64_t InputFile::size_seen() const {
  MutexLock lock(mutex_);
  return size_seen_;
}
TextSplits InputFile::splits() const {
  MutexLock lock(mutex_);
  const bool is_text = encoding_ == TextEncoding::kPlain || encoding_ == TextEncoding::kUndecided;
  return spec_.splits_before.value_or(is_text ? spec_.splits : TextSplits::Whole());
}
PackedMark InputFile::packed() const {
  MutexLock lock(mutex_);
  return packed_;
}
bool InputFile::has_committed() const {
  MutexLock lock(mutex_);
  return has_committed_;
}
bool InputFile::is_gone() const {
  MutexLock lock(mutex_);
  return !gone_.empty();
}
FileMark InputFile::mark() const {
  MutexLock lock(mutex_);
  return mark_;
}

void InputFile::Remember(const FileMark& mark, std::string_view head) {
  MutexLock lock(mutex_);
  if (mark.tail_end > mark_.tail_end || mark_.IsEmpty()) mark_ = mark;
  if (beginning_.size() < kBeginningBytes) beginning_ = head.substr(0, kBeginningBytes);
}

bool InputFile::BeginsLike(const OpenFile& other) const {
  char buffer[kBeginningBytes];
  const auto got = other.Read(0, buffer);
  MutexLock lock(mutex_);
  const size_t both = std::min(got.value_or(0), beginning_.size());
  return std::string_view(buffer, both) == std::string_view(beginning_).substr(0, both);
}

StatusOr<bool> InputFile::Holds(const FileMark& mark) {
  MutexLock lock(mutex_);
  TRIDENT_ASSIGN_OR_RETURN(const OpenRef open, Reach());
  return open->Holds(mark);
}

StatusOr<InputFile::OpenRef> InputFile::Reach() {
  if (!gone_.empty()) return BecomeGone(gone_);
  if (open_ != nullptr) return open_;
  auto open = OpenFile::Open(place_);
  Status why = open.status();
  if (open.ok()) {
    const auto facts = (*open)->Facts();
    if (!facts.ok() || facts->id != id_)
      why = NotFound("the input file \"", spec_.path, "\" moved");
  }
  if (!why.ok()) {
    const std::string beside = PlaceBeside(place_, id_);
    if (beside.empty()) return Away(why);
    open = OpenFile::Open(beside);
    if (!open.ok()) return Away(open.status());
    place_ = beside;
  }
  if (!text_ || text_->extent() || !IsPacked(encoding_)) away_since_.reset();
  if ((*open)->encoding() == encoding_) (*open)->Adopt(text_);
  if (spec_.held == Held::kYes) open_ = *open;
  return open;
}

Status InputFile::Away(const Status& why) {
  const Nanos now = RealClock().MonotonicNanos();
  if (!away_since_) away_since_ = now;
  // Of a followed file that was read to its end nothing is missed.
  const bool is_unknown = IsPacked(encoding_) && !text_->extent();
  const bool is_missed = spec_.follow == Follow::kNo || is_unknown || size_seen_ > mark_.tail_end;
  if (!is_missed || now - *away_since_ < spec_.patience) {
    return Unavailable("the input file \"", spec_.path,
                       "\" is away and is waited for: ", Message(why));
  }
  const StatusCode code =
      why.code() == StatusCode::kUnavailable ? StatusCode::kAborted : why.code();
  return MakeStatus(code, Message(why), ". It was waited for during ", Seconds(spec_.patience),
                    ", the patience that was asked for; put it back and start again");
}

Status InputFile::BecomeGone(std::string how) {
  if (gone_.empty()) {
    gone_ = std::move(how);
    open_ = nullptr;
    if (spec_.changed) spec_.changed();
  }
  return FailedPrecondition(
      "the input file \"", spec_.path, "\" was ", gone_, " after it was read up to byte ",
      mark_.tail_end,
      "; restore it, or let it be read from its beginning (--replaced next), or "
      "start anew with an empty state directory");
}

StatusOr<InputFile::OpenRef> InputFile::ReachSame(FileFacts* facts) {
  TRIDENT_ASSIGN_OR_RETURN(OpenRef open, Reach());
  const auto now = open->Facts();
  if (!now.ok()) return Away(now.status());
  *facts = *now;
  SetEncoding(*open);
  if (*facts == checked_) return open;
  TRIDENT_RETURN_IF_ERROR(CheckSame(*open, *facts));
  checked_ = *facts;
  return open;
}

Status InputFile::CheckSame(const OpenFile& open, const FileFacts& now) {
  if (open.HasOtherEncodingNow()) return BecomeGone("written over");
  if (IsPacked(encoding_)) return CheckSamePacked(open, now);
  const uint64_t least = std::max(mark_.LeastBytes(), end_.value_or(0));
  const auto size = TextBytes(open, now);
  if (!size.ok()) return Away(size.status());
  if (*size < least) return BecomeGone(Concat("truncated to ", *size, " bytes"));
  if (!open.Holds(mark_)) return BecomeGone("written over");
  size_now_ = *size;
  size_seen_ = std::max(size_seen_, *size);
  return absl::OkStatus();
}

// It may have been touched, or a member or frame was added: then what is new is read by who follows
// it, and by the next run.
Status InputFile::CheckSamePacked(const OpenFile& open, const FileFacts& now) {
  const bool is_touched = now.size == checked_.size && open.IsPackedAs(packed_);
  if (is_touched) return absl::OkStatus();
  if (mark_.tail_end > 0 && spec_.follow == Follow::kNo) {
    text_->Rest();
    return open.Holds(mark_) ? absl::OkStatus() : BecomeGone("written over");
  }
  text_->ForgetFrom(0);
  if (!open.Holds(mark_)) return BecomeGone("written over");
  end_.reset();
  packed_ = {};
  return absl::OkStatus();
}

StatusOr<bool> InputFile::Prepare(uint64_t offset) {
  OpenRef open;
  {
    MutexLock lock(mutex_);
    if (encoding_ == TextEncoding::kPlain) return true;
    FileFacts facts;
    TRIDENT_ASSIGN_OR_RETURN(open, ReachSame(&facts));
    if (!IsPacked(encoding_)) return true;
  }
  if (!open->text()->extent()) {
    const auto measured = open->Measure(kPrepareBytes);
    MutexLock lock(mutex_);
    if (!measured.ok() && spec_.follow == Follow::kYes && text_->is_cut_short()) {
      return Away(measured.status());  // it may be written just now
    }
    TRIDENT_RETURN_IF_ERROR(measured.status());
    if (!*measured) return false;
    TRIDENT_RETURN_IF_ERROR(SetMeasured(*open, **measured));
  }
  return open->Approach(offset, kPrepareBytes);
}

void InputFile::Release(uint64_t offset) {
  MutexLock lock(mutex_);
  has_committed_ = has_committed_ || offset > 0;
  if (text_ != nullptr && end_ && offset >= *end_) text_->Rest();
}

StatusOr<uint64_t> InputFile::SizeNow() {
  MutexLock lock(mutex_);
  if (spec_.follow == Follow::kNo && end_) return *end_;
  FileFacts facts;
  TRIDENT_RETURN_IF_ERROR(ReachSame(&facts).status());
  if (IsPacked(encoding_) && !end_) {
    return Unavailable("the input file \"", spec_.path, "\" is not checked yet");
  }
  return end_.value_or(size_now_);
}

StatusOr<FileBlock> InputFile::Read(uint64_t offset, uint64_t bytes) {
  OpenRef open;
  uint64_t end = 0;
  {
    MutexLock lock(mutex_);
    FileFacts facts;
    TRIDENT_ASSIGN_OR_RETURN(open, ReachSame(&facts));
    end = end_.value_or(IsPacked(encoding_) ? ~uint64_t{0} : size_now_);
  }
  const size_t want = std::min(bytes, end - std::min(offset, end));
  std::shared_ptr<char[]> buffer(new char[want]);  // not zeroed: pread fills it
  const StatusOr<size_t> got = open->Read(offset, {buffer.get(), want});
  if (got.status().code() == StatusCode::kDataLoss) return got.status();
  if (!got.ok()) {
    MutexLock lock(mutex_);
    return Away(got.status());
  }
  if (*got < want && end != ~uint64_t{0}) {
    MutexLock lock(mutex_);
    return BecomeGone(Concat("truncated to ", offset + *got, " bytes"));
  }
  return FileBlock{offset, {buffer.get(), *got}, buffer, offset + *got >= end};
}

void InputFile::MoveTo(std::string place, OpenRef open) {
  const auto facts = open->Facts();
  if (!facts.ok()) return;
  MutexLock lock(mutex_);
  place_ = std::move(place);
  id_ = facts->id;
  checked_ = {};
  encoding_ = TextEncoding::kUndecided;
  packed_ = {};
  SetEncoding(*open);
  if (text_ != nullptr && text_->extent()) {
    // A copy that was compressed; who found it has checked it.
    checked_ = *facts;
    end_.reset();
    (void)SetMeasured(*open, *text_->extent());
  }
  gone_.clear();
  away_since_.reset();
  open_ = spec_.held == Held::kYes ? std::move(open) : nullptr;
}

void InputFile::Finish() {
  MutexLock lock(mutex_);
  const bool is_measured = !IsPacked(encoding_) || text_->extent();
  if (!end_ && is_measured) end_ = std::max(size_seen_, mark_.tail_end);
}

void InputFile::Reopen() {
  MutexLock lock(mutex_);
  if (spec_.follow == Follow::kYes && !IsPacked(encoding_)) end_.reset();
}

InputFile::OpenRef InputFile::OpenNow(FileFacts* facts) {
  MutexLock lock(mutex_);
  auto open = ReachSame(facts);
  return open.ok() ? *open : nullptr;
}

FileMark InputFile::WholeMark() {
  MutexLock lock(mutex_);
  FileFacts facts;
  const auto open = ReachSame(&facts);
  if (!open.ok() || text_ != nullptr) return {};
  char bytes[kTextHeadBytes];
  FileMark mark;
  mark.head_bytes = (*open)->Read(0, bytes).value_or(0);
  mark.head_hash = HashBytes({bytes, mark.head_bytes});
  mark.tail_end = facts.size;
  mark.tail_bytes = std::min(facts.size, kTextTailBytes);
  const auto got = (*open)->Read(facts.size - mark.tail_bytes, {bytes, mark.tail_bytes});
  mark.tail_hash = HashBytes({bytes, got.value_or(0)});
  return got.ok() ? mark : FileMark();
}

void InputFile::SetGone(const FileFacts& now) {
  MutexLock lock(mutex_);
  if (gone_.empty()) (void)BecomeGone(Concat("truncated to ", now.size, " bytes"));
}

}  // namespace trident
