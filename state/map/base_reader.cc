// SPDX-License-Identifier: Apache-2.0
#include "state/map/base_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/key_encoding.h"
#include "base/utf8.h"
#include "state/disk/state_spec.h"

namespace trident {
namespace {

// A key may be long.
constexpr size_t kKeyBytesShown = 64;

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : bytes.substr(0, kKeyBytesShown)) {
    out.push_back(kDigits[c >> 4]);
    out.push_back(kDigits[c & 15]);
  }
  if (bytes.size() > kKeyBytesShown) out += "...";
  return out;
}

// Its bytes where it cannot be read.
std::string KeyText(const StateSpec* spec, std::string_view key) {
  if (spec == nullptr) return Hex(key);
  const StatusOr<std::vector<Datum>> values = DecodeKey(spec->key_fields, key);
  if (!values.ok()) return Hex(key);
  std::string out = "[";
  for (const Datum& value : *values) out += (out.size() > 1 ? ", " : "") + ToString(value);
  if (out.size() <= kKeyBytesShown) return out + "]";
  return out.substr(0, ValidUtf8Prefix(std::string_view(out).substr(0, kKeyBytesShown))) + "...]";
}

}  // namespace

BaseReader::BaseReader(const PartitionContext& context)
    : durable_(context.durable),
      state_(context.state),
      partition_(context.partition),
      spec_(context.spec),
      prefix_(BasePrefix(context.state, context.partition)) {}

Status BaseReader::ReadEach(std::span<const std::string_view> keys, std::span<const BaseRef> bases,
                            uint64_t base_keys, const Found& found) const {
  if (bases.empty()) return Read(keys, {base_keys}, found);
  std::vector<uint32_t> rest(keys.size());
  std::iota(rest.begin(), rest.end(), 0);
  while (!rest.empty()) {
    // There are one or two bases, seldom more.
    const BaseView* const view = bases[rest.front()].get();
    const auto others = std::stable_partition(rest.begin(), rest.end(),
                                              [&](uint32_t i) { return bases[i].get() == view; });
    std::vector<std::string_view> here;
    here.reserve(static_cast<size_t>(others - rest.begin()));
    for (auto i = rest.begin(); i != others; ++i) here.push_back(keys[*i]);
    TRIDENT_RETURN_IF_ERROR(Read(here, {base_keys, view},
                                 [&](size_t i, std::string_view value) { found(rest[i], value); }));
    rest.erase(rest.begin(), others);
  }
  return absl::OkStatus();
}

Status BaseReader::Read(std::span<const std::string_view> keys, In base, const Found& found) const {
  std::vector<uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
  std::vector<uint32_t> firsts;  // in order, of each distinct key
  for (uint32_t at = 0; at < order.size(); ++at) {
    if (at == 0 || keys[order[at]] != keys[order[at - 1]]) firsts.push_back(at);
  }
  return ReadSorted(
      firsts.size(), base, [&](size_t i) { return keys[order[firsts[i]]]; },
      [&](size_t i, std::string_view value) {
        const size_t end = i + 1 < firsts.size() ? firsts[i + 1] : order.size();
        for (size_t at = firsts[i]; at < end; ++at) found(order[at], value);
      });
}

BaseCursor BaseReader::Walk(const KeyRange& range, CursorOptions::Pattern pattern,
                            const BaseView* view) const {
  std::string end = range.end.empty() ? PartitionEnd(state_, partition_) : StoredKey(range.end);
  const CursorOptions options{.end = std::move(end), .pattern = pattern};
  BaseCursor cursor(view != nullptr ? view->NewCursor(options)
                                    : durable_->NewCursor(Table::kBase, options));
  cursor.cursor_->Seek(StoredKey(range.begin));
  return cursor;
}

std::string BaseReader::Describe(std::string_view key) const {
  return Concat("key ", KeyText(spec_, key), " of state ", StateName(), ", partition ",
                partition_.value());
}

std::string BaseReader::StateName() const {
  return spec_ == nullptr ? std::to_string(state_.value()) : spec_->name;
}

}  // namespace trident
