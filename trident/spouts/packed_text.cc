// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/packed_text.h"

#include <algorithm>
#include <utility>

namespace trident {
namespace {

constexpr size_t kInputBytes = 64 * 1024;
constexpr size_t kOutputBytes = 64 * 1024;
// Who knows a file by its first bytes asks for them again and again.
constexpr size_t kPackedHeadBytes = 4096;
// The nearest that two places are kept.
constexpr uint64_t kPlaceEvery = 1024 * 1024;

const char* NameOf(TextEncoding encoding) {
  return encoding == TextEncoding::kGzip ? "gzip" : "zstd";
}

}  // namespace

Status PackedText::Damaged(uint64_t at, std::string_view why) const {
  return DataLoss("the input file \"", path_, "\" is damaged: expected ", NameOf(encoding_),
                  " data, found what cannot be unpacked behind byte ", at, " of the text (", why,
                  "); restore it, or take it out of the input");
}

StatusOr<PackedText::Place> PackedText::Beginning() const {
  TRIDENT_ASSIGN_OR_RETURN(auto unpacker, NewUnpacker(encoding_));
  return Place{std::move(unpacker)};
}

StatusOr<std::string_view> PackedText::InputAt(RawRead raw, uint64_t in_file) {
  if (in_file < input_at_ || in_file >= input_at_ + input_.size()) {
    input_.resize(kInputBytes);
    const auto got = raw(in_file, input_);
    input_at_ = in_file;
    input_.resize(got.value_or(0));
    if (!got.ok()) return got.status();
  }
  return std::string_view(input_).substr(in_file - input_at_);
}

StatusOr<size_t> PackedText::Advance(RawRead raw, Place& place, std::span<char> to) {
  size_t made = 0;
  while (made < to.size()) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string_view input, InputAt(raw, place.in_file));
    std::string_view left = input;
    const auto more = place.unpacker->Unpack(left, to.subspan(made));
    if (!more.ok()) return Damaged(place.in_text, Message(more.status()));
    const size_t taken = input.size() - left.size();
    if (place.in_text == head_.size() && head_.size() < kPackedHeadBytes) {
      head_.append(to.data() + made, std::min(*more, kPackedHeadBytes - head_.size()));
    }
    place.in_file += taken;
    place.in_text += *more;
    made += *more;
    if (place.unpacker->IsBetween() && made > 0) return made;
    if (taken > 0 || *more > 0) continue;
    if (!input.empty()) return Damaged(place.in_text, "it goes on behind its end");
    if (place.unpacker->IsBetween()) return made;
    is_cut_short_ = true;
    return DataLoss("the input file \"", path_, "\" is cut short: it ends behind byte ",
                    place.in_text, " of the text, where more ", NameOf(encoding_),
                    " data is expected, up to the end of a ",
                    encoding_ == TextEncoding::kGzip ? "member" : "frame",
                    "; is it still written? Restore it, or take it out of the input");
  }
  return made;
}

StatusOr<std::optional<TextExtent>> PackedText::Measure(RawRead raw, uint64_t budget) {
  MutexLock lock(mutex_);
  if (extent_) return extent_;
  if (!damage_.ok()) return damage_;
  if (measured_.unpacker == nullptr) {
    TRIDENT_ASSIGN_OR_RETURN(measured_, Beginning());
    measured_so_far_ = {};
  }
  std::string out(kOutputBytes, '\0');
  for (const uint64_t stop = measured_.in_text + budget; measured_.in_text < stop;) {
    const auto got = Advance(raw, measured_, out);
    if (!got.ok()) {
      // What cannot be read may be read later; what cannot be unpacked stays so.
      if (got.status().code() == StatusCode::kDataLoss) damage_ = got.status();
      measured_ = {};
      return got.status();
    }
    const size_t newline = std::string_view(out).substr(0, *got).rfind('\n');
    if (newline != std::string_view::npos) {
      measured_so_far_.lines_end = measured_so_far_.bytes + newline + 1;
    }
    measured_so_far_.bytes = measured_.in_text;
    if (*got > 0) continue;
    extent_ = measured_so_far_;
    measured_ = {};
    return extent_;
  }
  return std::optional<TextExtent>();
}

Status PackedText::StandBefore(uint64_t offset) {
  const Place* nearest = nullptr;
  for (const Place& place : places_) {
    if (place.in_text <= offset) nearest = &place;
  }
  const bool may_go_on = at_.unpacker != nullptr && at_.in_text <= offset;
  if (may_go_on && (nearest == nullptr || nearest->in_text <= at_.in_text)) return absl::OkStatus();
  if (nearest != nullptr) {
    if (auto copy = nearest->unpacker->Copy()) {
      at_ = {std::move(copy), nearest->in_file, nearest->in_text};
      return absl::OkStatus();
    }
  }
  TRIDENT_ASSIGN_OR_RETURN(at_, Beginning());
  return absl::OkStatus();
}

Status PackedText::Skip(RawRead raw, uint64_t offset, uint64_t bytes) {
  std::string dropped(kOutputBytes, '\0');
  const uint64_t stop = std::min(offset, at_.in_text + bytes);
  while (at_.in_text < stop) {
    const size_t want = std::min<uint64_t>(dropped.size(), stop - at_.in_text);
    TRIDENT_ASSIGN_OR_RETURN(const size_t got, Advance(raw, at_, {dropped.data(), want}));
    if (got == 0) break;
    KeepPlace();
  }
  return absl::OkStatus();
}

// Two neighbours may be as far apart as the newest place is from them.
void PackedText::KeepPlace() {
  const uint64_t newest = places_.empty() ? 0 : places_.back().in_text;
  if (at_.in_text < newest + kPlaceEvery) return;
  auto copy = at_.unpacker->Copy();
  if (copy == nullptr) return;
  places_.push_back({std::move(copy), at_.in_file, at_.in_text});
  for (size_t i = 1; i + 1 < places_.size();) {
    const uint64_t next = places_[i + 1].in_text;
    const bool is_needless = next - places_[i - 1].in_text <= at_.in_text - next;
    if (!is_needless) ++i;
    if (is_needless) places_.erase(places_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

StatusOr<bool> PackedText::Approach(RawRead raw, uint64_t offset, uint64_t budget) {
  MutexLock lock(mutex_);
  const bool is_at_hand = last_at_ <= offset && offset <= last_at_ + last_.size();
  if (is_at_hand || offset < head_.size()) return true;
  TRIDENT_RETURN_IF_ERROR(StandBefore(offset));
  const uint64_t before = at_.in_text;
  if (offset - before <= budget) return true;
  TRIDENT_RETURN_IF_ERROR(Skip(raw, offset, budget));
  return at_.in_text == before || offset - at_.in_text <= budget;
}

StatusOr<size_t> PackedText::Read(RawRead raw, uint64_t offset, std::span<char> to) {
  MutexLock lock(mutex_);
  if (offset + to.size() <= head_.size()) {
    std::copy_n(head_.data() + offset, to.size(), to.data());
    return to.size();
  }
  std::string text;
  if (last_at_ <= offset && offset < last_at_ + last_.size()) {
    text = last_.substr(offset - last_at_, to.size());
  }
  while (text.size() < to.size()) {
    const uint64_t next = offset + text.size();
    TRIDENT_RETURN_IF_ERROR(StandBefore(next));
    TRIDENT_RETURN_IF_ERROR(Skip(raw, next, next - at_.in_text));
    if (at_.in_text < next) break;
    const size_t had = text.size();
    text.resize(to.size());
    const auto got = Advance(raw, at_, std::span(text).subspan(had));
    text.resize(had + got.value_or(0));
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    KeepPlace();
  }
  std::copy(text.begin(), text.end(), to.begin());
  const size_t size = text.size();
  // The first bytes are kept anyway, and both are asked for in between.
  const bool has_it = last_at_ <= offset && offset + size <= last_at_ + last_.size();
  if (offset + size > head_.size() && !has_it) {
    last_ = std::move(text);
    last_at_ = offset;
  }
  return size;
}

void PackedText::Assume(const TextExtent& extent) {
  MutexLock lock(mutex_);
  extent_ = extent;
}

std::optional<TextExtent> PackedText::extent() const {
  MutexLock lock(mutex_);
  return extent_;
}

bool PackedText::is_cut_short() const {
  MutexLock lock(mutex_);
  return is_cut_short_;
}

void PackedText::ForgetFrom(uint64_t /*from*/) {
  Rest();
  MutexLock lock(mutex_);
  head_.clear();
  measured_ = {};
  extent_.reset();
  is_cut_short_ = false;
  damage_ = absl::OkStatus();
}

void PackedText::Rest() {
  MutexLock lock(mutex_);
  input_ = {};
  input_at_ = 0;
  at_ = {};
  places_.clear();
  last_ = {};
  last_at_ = 0;
}

}  // namespace trident
