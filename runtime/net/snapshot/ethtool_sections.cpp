#include "net/snapshot/ethtool_sections.hpp"

#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include <array>

namespace netlend::ethtool {

namespace {
// Newer than Debian 12's headers: 14 to 17 of the rings, 26 to 28 of coalescing.
constexpr std::array<Number, 10> kRings{{{ETHTOOL_A_RINGS_RX, "rx"},
                                         {ETHTOOL_A_RINGS_RX_MINI, "rx-mini"},
                                         {ETHTOOL_A_RINGS_RX_JUMBO, "rx-jumbo"},
                                         {ETHTOOL_A_RINGS_TX, "tx"},
                                         {ETHTOOL_A_RINGS_RX_BUF_LEN, "rx-buf-len"},
                                         {ETHTOOL_A_RINGS_TCP_DATA_SPLIT, "tcp-data-split"},
                                         {ETHTOOL_A_RINGS_CQE_SIZE, "cqe-size"},
                                         {ETHTOOL_A_RINGS_TX_PUSH, "tx-push"},
                                         {14, "rx-push"},
                                         {15, "tx-push-buf-len"}}};
constexpr std::array<Number, 4> kChannels{{{ETHTOOL_A_CHANNELS_RX_COUNT, "rx"},
                                           {ETHTOOL_A_CHANNELS_TX_COUNT, "tx"},
                                           {ETHTOOL_A_CHANNELS_OTHER_COUNT, "other"},
                                           {ETHTOOL_A_CHANNELS_COMBINED_COUNT, "combined"}}};
constexpr std::array<Number, 27> kCoalescing{
    {{ETHTOOL_A_COALESCE_RX_USECS, "rx-usecs"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES, "rx-frames"},
     {ETHTOOL_A_COALESCE_RX_USECS_IRQ, "rx-usecs-irq"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ, "rx-frames-irq"},
     {ETHTOOL_A_COALESCE_TX_USECS, "tx-usecs"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES, "tx-frames"},
     {ETHTOOL_A_COALESCE_TX_USECS_IRQ, "tx-usecs-irq"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ, "tx-frames-irq"},
     {ETHTOOL_A_COALESCE_STATS_BLOCK_USECS, "stats-block-usecs"},
     {ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, "adaptive-rx"},
     {ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, "adaptive-tx"},
     {ETHTOOL_A_COALESCE_PKT_RATE_LOW, "pkt-rate-low"},
     {ETHTOOL_A_COALESCE_RX_USECS_LOW, "rx-usecs-low"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW, "rx-frames-low"},
     {ETHTOOL_A_COALESCE_TX_USECS_LOW, "tx-usecs-low"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW, "tx-frames-low"},
     {ETHTOOL_A_COALESCE_PKT_RATE_HIGH, "pkt-rate-high"},
     {ETHTOOL_A_COALESCE_RX_USECS_HIGH, "rx-usecs-high"},
     {ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH, "rx-frames-high"},
     {ETHTOOL_A_COALESCE_TX_USECS_HIGH, "tx-usecs-high"},
     {ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH, "tx-frames-high"},
     {ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL, "sample-interval"},
     {ETHTOOL_A_COALESCE_USE_CQE_MODE_TX, "cqe-mode-tx"},
     {ETHTOOL_A_COALESCE_USE_CQE_MODE_RX, "cqe-mode-rx"},
     {26, "tx-aggr-max-bytes"},
     {27, "tx-aggr-max-frames"},
     {28, "tx-aggr-time-usecs"}}};
constexpr std::array<Number, 3> kPause{
    {{ETHTOOL_A_PAUSE_AUTONEG, "autoneg"}, {ETHTOOL_A_PAUSE_RX, "rx"}, {ETHTOOL_A_PAUSE_TX, "tx"}}};
constexpr std::array<Number, 1> kLinkInfo{{{ETHTOOL_A_LINKINFO_TP_MDIX_CTRL, "mdix"}}};
// Speed, duplex and lanes are what the wire gives unless they are forced.
constexpr std::array<Number, 5> kLinkModes{
    {{ETHTOOL_A_LINKMODES_AUTONEG, "autoneg"},
     {ETHTOOL_A_LINKMODES_SPEED, "speed", SPEED_UNKNOWN},
     {ETHTOOL_A_LINKMODES_DUPLEX, "duplex", DUPLEX_UNKNOWN},
     {ETHTOOL_A_LINKMODES_LANES, "lanes", 0},
     {ETHTOOL_A_LINKMODES_MASTER_SLAVE_CFG, "master-slave"}}};
constexpr std::array<Number, 3> kEee{{{ETHTOOL_A_EEE_ENABLED, "eee"},
                                      {ETHTOOL_A_EEE_TX_LPI_ENABLED, "tx-lpi"},
                                      {ETHTOOL_A_EEE_TX_LPI_TIMER, "tx-timer"}}};
constexpr std::array<Number, 1> kFec{{{ETHTOOL_A_FEC_AUTO, "auto"}}};
constexpr std::array<Number, 1> kModule{
    {{ETHTOOL_A_MODULE_POWER_MODE_POLICY, "power-mode-policy"}}};
// Newer than Debian 12's headers, as are their commands.
constexpr std::array<Number, 6> kPlca{{{3, "enabled"},
                                       {5, "node-cnt"},
                                       {6, "node-id"},
                                       {7, "to-tmr"},
                                       {8, "burst-cnt"},
                                       {9, "burst-tmr"}}};
constexpr std::array<Number, 5> kMacMerge{{{2, "pmac-enabled"},
                                           {3, "tx-enabled"},
                                           {5, "tx-min-frag-size"},
                                           {7, "verify-enabled"},
                                           {9, "verify-time"}}};
constexpr int kPlcaGet = 39;
constexpr int kPlcaSet = 40;
constexpr int kMacMergeGet = 42;
constexpr int kMacMergeSet = 43;

// In the order of setting: channels before what the driver has once a channel.
constexpr std::array<Section, 15> kSections{{
    {.name = "feature",
     .get = ETHTOOL_MSG_FEATURES_GET,
     .set = ETHTOOL_MSG_FEATURES_SET,
     .wanted = ETHTOOL_A_FEATURES_WANTED,
     .mask = ETHTOOL_A_FEATURES_HW},
    {.name = "private flag",
     .get = ETHTOOL_MSG_PRIVFLAGS_GET,
     .set = ETHTOOL_MSG_PRIVFLAGS_SET,
     .wanted = ETHTOOL_A_PRIVFLAGS_FLAGS,
     .mask = ETHTOOL_A_PRIVFLAGS_FLAGS},
    {.name = "link info",
     .get = ETHTOOL_MSG_LINKINFO_GET,
     .set = ETHTOOL_MSG_LINKINFO_SET,
     .numbers = kLinkInfo,
     .is_of_wire = true},
    {.name = "link mode",
     .get = ETHTOOL_MSG_LINKMODES_GET,
     .set = ETHTOOL_MSG_LINKMODES_SET,
     .numbers = kLinkModes,
     .wanted = ETHTOOL_A_LINKMODES_OURS,
     .mask = ETHTOOL_A_LINKMODES_OURS,
     .is_of_wire = true},
    {.name = "EEE",
     .get = ETHTOOL_MSG_EEE_GET,
     .set = ETHTOOL_MSG_EEE_SET,
     .numbers = kEee,
     .wanted = ETHTOOL_A_EEE_MODES_OURS,
     .mask = ETHTOOL_A_EEE_MODES_OURS},
    {.name = "FEC",
     .get = ETHTOOL_MSG_FEC_GET,
     .set = ETHTOOL_MSG_FEC_SET,
     .numbers = kFec,
     .wanted = ETHTOOL_A_FEC_MODES},
    {.name = "module",
     .get = ETHTOOL_MSG_MODULE_GET,
     .set = ETHTOOL_MSG_MODULE_SET,
     .numbers = kModule},
    {.name = "PLCA", .get = kPlcaGet, .set = kPlcaSet, .numbers = kPlca},
    {.name = "MAC merge", .get = kMacMergeGet, .set = kMacMergeSet, .numbers = kMacMerge},
    {.name = "message level",
     .get = ETHTOOL_MSG_DEBUG_GET,
     .set = ETHTOOL_MSG_DEBUG_SET,
     .wanted = ETHTOOL_A_DEBUG_MSGMASK},
    {.name = "wake-on-lan",
     .get = ETHTOOL_MSG_WOL_GET,
     .set = ETHTOOL_MSG_WOL_SET,
     .wanted = ETHTOOL_A_WOL_MODES,
     .mask = ETHTOOL_A_WOL_MODES},
    {.name = "channel",
     .get = ETHTOOL_MSG_CHANNELS_GET,
     .set = ETHTOOL_MSG_CHANNELS_SET,
     .numbers = kChannels},
    {.name = "ring", .get = ETHTOOL_MSG_RINGS_GET, .set = ETHTOOL_MSG_RINGS_SET, .numbers = kRings},
    {.name = "coalescing",
     .get = ETHTOOL_MSG_COALESCE_GET,
     .set = ETHTOOL_MSG_COALESCE_SET,
     .numbers = kCoalescing},
    {.name = "pause",
     .get = ETHTOOL_MSG_PAUSE_GET,
     .set = ETHTOOL_MSG_PAUSE_SET,
     .numbers = kPause},
}};
}  // namespace

std::span<const Section> sections() { return kSections; }

}  // namespace netlend::ethtool
