package io.gorgon.scoreboard;

/**
 * How much is done: {@code -Dscoreboard.tier=short|long}, {@code -Dscoreboard.seed=N}.
 *
 * @param rounds storms, each with a pool of its own
 * @param jvmKills JVMs that are killed
 * @param explorationDepth how deep every order of events is tried
 */
record Tier(
    String name,
    long seed,
    int rounds,
    int jvmKills,
    int fuzzedFrames,
    int explorationDepth,
    int crashLoopSeconds,
    int soakSeconds) {

  static Tier ofProperties() {
    long seed = Long.getLong("scoreboard.seed", 20_261_126L);
    return switch (System.getProperty("scoreboard.tier", "short")) {
      case "short" -> new Tier("short", seed, 1, 20, 1_000_000, 8, 60, 30);
      case "long" -> new Tier("long", seed, 17, 200, 10_000_000, 9, 60, 600);
      default -> throw new IllegalArgumentException("scoreboard.tier is short or long");
    };
  }

  /** The command that does the same again. */
  String replay() {
    return "mvn -Pscoreboard verify -Dscoreboard.tier=" + name + " -Dscoreboard.seed=" + seed;
  }
}
