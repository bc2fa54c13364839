// SPDX-License-Identifier: Apache-2.0
#include "trident/run/parts/deaths_codec.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace trident {
namespace {

uint32_t Number(ByteReader& in) { return static_cast<uint32_t>(in.Varint()); }

}  // namespace

void PutDeaths(const EarlierDeaths& deaths, std::string& out) {
  PutVarint(out, deaths.txid.value());
  PutVarint(out, deaths.deaths);
  PutVarint(out, deaths.rows_max);
  PutVarint(out, deaths.steps.size());
  for (const std::string& step : deaths.steps) PutLengthPrefixed(out, step);
  PutVarint(out, deaths.the_row ? 1 : 0);
  if (deaths.the_row) {
    PutVarint(out, deaths.the_row->emitter.spout.value());
    PutVarint(out, deaths.the_row->emitter.task);
    PutLengthPrefixed(out, deaths.the_row->at.partition);
    PutLengthPrefixed(out, deaths.the_row->at.position);
  }
  PutVarint(out, deaths.row_deaths);
  PutVarint(out, deaths.divert_deaths);
  PutLengthPrefixed(out, deaths.cause);
  PutVarint(out, static_cast<uint64_t>(deaths.fate));
}

EarlierDeaths TakeDeaths(ByteReader& in) {
  EarlierDeaths deaths;
  deaths.txid = TxId(in.Varint());
  deaths.deaths = Number(in);
  deaths.rows_max = in.Varint();
  for (uint64_t n = in.Varint(); n > 0 && in.ok(); --n) {
    deaths.steps.emplace_back(in.LengthPrefixed());
  }
  if (in.Varint() != 0) {
    RowPlace place;
    place.emitter.spout = SpoutId(Number(in));
    place.emitter.task = Number(in);
    place.at.partition = in.LengthPrefixed();
    place.at.position = in.LengthPrefixed();
    deaths.the_row = std::move(place);
  }
  deaths.row_deaths = Number(in);
  deaths.divert_deaths = Number(in);
  deaths.cause = in.LengthPrefixed();
  deaths.fate = static_cast<EarlierDeaths::Fate>(std::min<uint64_t>(in.Varint(), 3));
  return deaths;
}

}  // namespace trident
