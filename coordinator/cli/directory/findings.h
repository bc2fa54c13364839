// SPDX-License-Identifier: Apache-2.0
//
// What is found wrong with a state directory.
#ifndef TRIDENT_COORDINATOR_CLI_DIRECTORY_FINDINGS_H_
#define TRIDENT_COORDINATOR_CLI_DIRECTORY_FINDINGS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace trident {

// How the messages about a damaged directory end.
inline constexpr std::string_view kRestoreAdvice = ". Restore the directory from a backup";
// The message without that end.
std::string WithoutAdvice(std::string_view text);

class Findings {
 public:
  // The first so many are kept, the rest is counted: one lost file can spoil a million rows.
  static constexpr size_t kKeptMax = 50;

  // `where` names the thing, `what` says what was expected of it and what was found.
  void AddDamage(std::string_view where, std::string_view what);
  // The same for an error: data that is lost is damage; anything else (an input/output error, what
  // a newer release wrote) leaves open what is there.
  void Add(std::string_view where, const Status& error);

  const std::vector<std::string>& damage() const { return damage_; }
  uint64_t damage_count() const { return damage_count_; }
  // Ok, or the first error that is no damage: not all could be looked at.
  const Status& obstacle() const { return obstacle_; }
  bool clean() const { return damage_count_ == 0 && obstacle_.ok(); }
  // Ok when clean; else the obstacle, or the first damage as DataLoss.
  Status ToStatus() const;

 private:
  std::vector<std::string> damage_;
  uint64_t damage_count_ = 0;
  Status obstacle_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_DIRECTORY_FINDINGS_H_
