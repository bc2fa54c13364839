// SPDX-License-Identifier: Apache-2.0
//
// What a start on a state directory would find there, and whether it would be accepted. The start's
// own checks decide: all of them are made, up to the write with which a start begins, and that is
// left out.
#ifndef TRIDENT_TRIDENT_RUN_START_CHECK_H_
#define TRIDENT_TRIDENT_RUN_START_CHECK_H_

#include <string>

#include "base/status.h"
#include "trident/run/run.h"
#include "trident/topology.h"

namespace trident {

struct StartCheck {
  // For people, a line each: groups, streams with their source partitions, and states that carry
  // over, are new, or are orphaned.
  std::string report;
  // What the start would return; of an error, what it is refused with.
  Status verdict;
};

// Reads options.state_dir, and changes nothing of it. Sources and states of the program's own are
// opened, as a start does. No address is served. The directory may be one that a start would make.
StartCheck CheckStart(const Topology& topology, const RunOptions& options);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_START_CHECK_H_
