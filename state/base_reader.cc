// SPDX-License-Identifier: Apache-2.0
#include "state/base_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace trident {
namespace {

// Where a walk over all keys is cheaper than looking up one in this many.
constexpr uint64_t kWalkOneIn = 25;
constexpr size_t kWalkKeysMin = 64;

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (unsigned char c : bytes.substr(0, 64)) {
    out.push_back(kDigits[c >> 4]);
    out.push_back(kDigits[c & 15]);
  }
  if (bytes.size() > 64) out += "...";
  return out;
}

using Found = std::function<void(size_t, std::string_view)>;

// Reports every index in `order` whose key is keys[order[at]], beginning at `at`; returns the end.
size_t ReportEqual(std::span<const std::string_view> keys, const std::vector<uint32_t>& order,
                   size_t at, std::string_view value, const Found& found) {
  const std::string_view key = keys[order[at]];
  for (; at < order.size() && keys[order[at]] == key; ++at) found(order[at], value);
  return at;
}

Status ReadByWalk(BaseCursor cursor, std::span<const std::string_view> keys,
                  const std::vector<uint32_t>& order, const Found& found) {
  size_t at = 0;
  while (cursor.Valid() && at < order.size()) {
    const int side = cursor.key().compare(keys[order[at]]);
    if (side < 0) {
      cursor.Next();
    } else if (side > 0) {
      ++at;
    } else {
      at = ReportEqual(keys, order, at, cursor.value(), found);
      cursor.Next();
    }
  }
  return cursor.status();
}

}  // namespace

BaseReader::BaseReader(const PartitionContext& context)
    : durable_(context.durable),
      state_(context.state),
      partition_(context.partition),
      prefix_(BasePrefix(context.state, context.partition)) {}

Status BaseReader::Read(std::span<const std::string_view> keys, uint64_t base_keys,
                        const Found& found) const {
  std::vector<uint32_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
  if (keys.size() >= kWalkKeysMin && keys.size() * kWalkOneIn > base_keys) {
    return ReadByWalk(Walk({std::string(keys[order.front()]), {}}, CursorOptions::Pattern::kScan),
                      keys, order, found);
  }
  std::string stored;  // all stored keys, one after the other
  std::vector<size_t> firsts;
  size_t bytes = 0;
  for (std::string_view key : keys) bytes += prefix_.size() + key.size();
  stored.reserve(bytes);
  std::vector<std::string_view> unique;
  for (size_t at = 0; at < order.size(); ++at) {
    if (at > 0 && keys[order[at]] == keys[order[at - 1]]) continue;
    const size_t begin = stored.size();
    stored.append(prefix_).append(keys[order[at]]);
    unique.push_back(std::string_view(stored).substr(begin));
    firsts.push_back(at);
  }
  return durable_->MultiGet(Table::kBase, unique, [&](size_t i, std::string_view value) {
    ReportEqual(keys, order, firsts[i], value, found);
  });
}

BaseCursor BaseReader::Walk(const KeyRange& range, CursorOptions::Pattern pattern) const {
  std::string end = range.end.empty() ? PartitionEnd(state_, partition_) : StoredKey(range.end);
  BaseCursor cursor(
      durable_->NewCursor(Table::kBase, CursorOptions{.end = std::move(end), .pattern = pattern}));
  cursor.cursor_->Seek(StoredKey(range.begin));
  return cursor;
}

std::string BaseReader::Describe(std::string_view key) const {
  return Concat("key ", Hex(key), " of state ", state_.value(), ", partition ",
                partition_.value());
}

}  // namespace trident
