// SPDX-License-Identifier: Apache-2.0
#include "base/lag.h"

#include <cstdio>
#include <limits>

#include "base/limits.h"

namespace trident {
namespace {

void AddTo(std::optional<uint64_t>& sum, uint64_t amount) {
  const uint64_t before = sum.value_or(0);
  const uint64_t room = std::numeric_limits<uint64_t>::max() - before;
  sum = before + (amount < room ? amount : room);
}

std::string BytesText(uint64_t bytes) {
  if (bytes < static_cast<uint64_t>(kKiB)) return std::to_string(bytes) + " B";
  const char* unit = "KiB";
  double amount = static_cast<double>(bytes) / kKiB;
  for (const char* larger : {"MiB", "GiB", "TiB"}) {
    if (amount < kKiB) break;
    amount /= kKiB;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", amount, unit);
  return text;
}

}  // namespace

void Lag::Add(const Backlog& backlog) {
  switch (backlog.unit) {
    case Backlog::Unit::kUnknown:
      ++unknown_partitions;
      return;
    case Backlog::Unit::kRows:
      return AddTo(rows, backlog.amount);
    case Backlog::Unit::kBytes:
      return AddTo(bytes, backlog.amount);
  }
}

std::string ToString(const Lag& lag) {
  std::string out;
  const auto add = [&out](const std::string& part) { out += (out.empty() ? "" : " + ") + part; };
  if (lag.bytes) add(BytesText(*lag.bytes));
  if (lag.rows) add(std::to_string(*lag.rows) + (*lag.rows == 1 ? " row" : " rows"));
  if (lag.unknown_partitions > 0) add("unknown");
  return out.empty() ? "none" : out;
}

}  // namespace trident
