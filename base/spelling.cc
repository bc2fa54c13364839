// SPDX-License-Identifier: Apache-2.0
#include "base/spelling.h"

#include <algorithm>
#include <vector>

#include "base/status.h"

namespace trident {
namespace {

constexpr size_t kListedMax = 20;
// Longer names are compared by this much of their front, so that a request cannot make us work for
// the product of two long texts.
constexpr size_t kComparedMax = 128;

// Optimal string alignment distance (Damerau 1964, each pair swapped at most once).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before_last = last;
    last = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string NearestSpelling(std::string_view name, std::span<const std::string> candidates) {
  name = name.substr(0, kComparedMax);
  std::string best;
  size_t best_distance = name.size() / 3 + 2;  // as far as this is another word, not a slip
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(name, std::string_view(candidate).substr(0, kComparedMax));
    // A name with nothing of the other in it is no slip, however short both are.
    if (distance >= best_distance || distance >= std::max(name.size(), candidate.size())) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

std::string SpellingHint(std::string_view name, std::string_view plural,
                         std::span<const std::string> candidates) {
  if (candidates.empty()) return Concat("; there are no ", plural);
  std::string out;
  if (std::string nearest = NearestSpelling(name, candidates); !nearest.empty()) {
    out += Concat("; did you mean '", nearest, "'?");
  }
  out += Concat(out.empty() ? "; the " : " The ", plural, " are: ");
  const size_t listed = std::min(candidates.size(), kListedMax);
  for (size_t i = 0; i < listed; ++i) out += (i == 0 ? "" : ", ") + candidates[i];
  if (listed < candidates.size()) out += Concat(" and ", candidates.size() - listed, " more");
  return out;
}

}  // namespace trident
