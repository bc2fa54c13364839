// SPDX-License-Identifier: Apache-2.0
#include "coordinator/protocol/earlier_deaths.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "base/limits.h"
#include "base/status.h"

namespace trident {
namespace {

using Fate = EarlierDeaths::Fate;

std::vector<std::string> InBoth(const std::vector<std::string>& a,
                                const std::vector<std::string>& b) {
  std::vector<std::string> both;
  for (const std::string& step : a) {
    if (std::find(b.begin(), b.end(), step) != b.end()) both.push_back(step);
  }
  return both;
}

// The txid at which it happened is decided, or another one came first.
void ForgetTheRow(EarlierDeaths& deaths) {
  deaths.deaths = deaths.row_deaths = deaths.divert_deaths = 0;
  deaths.the_row.reset();
}

// One more end, in one of the steps of those before it.
EarlierDeaths Another(const EarlierDeaths& before, const LastProcess& last) {
  EarlierDeaths now = before;
  if (before.txid != last.last_decided.Next()) ForgetTheRow(now);
  ++now.deaths;
  now.rows_max = std::max<uint64_t>(before.rows_max / kCarefulShrink, 1);
  now.cause = last.cause;
  if (before.rows_max > 1 || last.cut_is_logged) return now;
  if (last.the_row) {
    now.cause +=
        Concat(", with the row of source partition '", absl::CHexEscape(last.the_row->at.partition),
               "' at position '", absl::CHexEscape(last.the_row->at.position), "' alone");
  }
  const bool other_row = now.the_row && last.the_row && now.the_row != last.the_row;
  if (other_row) now.row_deaths = now.divert_deaths = 0;
  if (last.the_row) now.the_row = last.the_row;
  ++now.row_deaths;
  if (before.fate == Fate::kDivert && !other_row) ++now.divert_deaths;
  return now;
}

Fate FateOf(const EarlierDeaths& deaths, const LastProcess& last, const GroupConfig& config) {
  const auto too_often = [&](uint32_t deaths_there) { return deaths_there > config.retry_limit; };
  if (last.cut_is_logged) return too_often(deaths.deaths) ? Fate::kHalt : Fate::kCareful;
  const Fate again = deaths.the_row ? Fate::kSingle : Fate::kCareful;
  if (config.policy == FailurePolicy::kStop) return too_often(deaths.deaths) ? Fate::kHalt : again;
  if (too_often(deaths.divert_deaths)) return Fate::kHalt;
  if (!too_often(deaths.row_deaths)) return again;
  return deaths.the_row ? Fate::kDivert : Fate::kHalt;
}

}  // namespace

std::string TextOf(const EarlierDeaths& deaths, GroupId group) {
  const auto fate = [&]() -> std::string {
    switch (deaths.fate) {
      case Fate::kHalt:
        return "the group halts";
      case Fate::kDivert:
        return "its row goes to the dead letters";
      case Fate::kSingle:
        return "its row is tried alone";
      case Fate::kCareful:
        return Concat("batches go one by one, of at most ", deaths.rows_max, " rows");
    }
    return "";
  };
  return Concat(deaths.deaths, deaths.deaths == 1 ? " process has" : " processes have",
                " ended in txid ", deaths.txid.value(), " of group ", group.value(), ", so ",
                fate());
}

uint32_t CarefulBatchesLeft(const EarlierDeaths& deaths, TxId next) {
  if (next < deaths.txid) return 0;  // of another log
  const uint64_t passed = next.value() - deaths.txid.value();
  return passed >= kCarefulBatches ? 0 : kCarefulBatches - static_cast<uint32_t>(passed);
}

std::optional<EarlierDeaths> JudgeDeaths(const std::optional<EarlierDeaths>& before,
                                         const LastProcess& last, const GroupConfig& config) {
  const TxId first = last.last_decided.Next();
  const bool careful = before && CarefulBatchesLeft(*before, first) > 0;
  if (last.steps.empty()) {
    if (!careful) return std::nullopt;
    EarlierDeaths now = *before;
    if (first != now.txid) ForgetTheRow(now);
    now.fate = FateOf(now, last, config);
    // It was said, and here is another try.
    if (now.fate == Fate::kHalt && before->fate == Fate::kHalt) {
      now.fate = now.the_row ? Fate::kSingle : Fate::kCareful;
    }
    return now;
  }
  std::vector<std::string> steps = last.steps;
  if (careful) steps = InBoth(before->steps, last.steps);
  EarlierDeaths now;
  if (careful && !steps.empty()) {
    now = Another(*before, last);
    now.steps = std::move(steps);
  } else {
    now = {.txid = first,
           .deaths = 1,
           .rows_max = config.limits.rows,
           .steps = last.steps,
           .the_row = std::nullopt,
           .cause = last.cause};
  }
  now.txid = first;
  now.fate = FateOf(now, last, config);
  return now;
}

}  // namespace trident
