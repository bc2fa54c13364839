// SPDX-License-Identifier: Apache-2.0
//
// EarlierDeaths as bytes: in the file of marks, and in the record of an epoch.
#ifndef TRIDENT_TRIDENT_RUN_PARTS_DEATHS_CODEC_H_
#define TRIDENT_TRIDENT_RUN_PARTS_DEATHS_CODEC_H_

#include <string>

#include "base/coding.h"
#include "coordinator/protocol/batch_protocol_types.h"

namespace trident {

void PutDeaths(const EarlierDeaths& deaths, std::string& out);
// `in` is not ok afterwards if the bytes are damaged.
EarlierDeaths TakeDeaths(ByteReader& in);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PARTS_DEATHS_CODEC_H_
