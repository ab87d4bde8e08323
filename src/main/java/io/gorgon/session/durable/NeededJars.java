package io.gorgon.session.durable;

import io.gorgon.message.PythonFailure.InvalidSettings;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** This knows which jars the durable store needs, each by a class that is in it. */
final class NeededJars {

  private static final Map<String, String> ALWAYS =
      Map.of(
          "org.apache.pekko:pekko-persistence",
          "org.apache.pekko.persistence.state.javadsl.DurableStateUpdateStore",
          "org.apache.pekko:pekko-persistence-query",
          "org.apache.pekko.persistence.query.javadsl.DurableStateStoreQuery",
          "org.apache.pekko:pekko-persistence-jdbc",
          "org.apache.pekko.persistence.jdbc.state.javadsl.JdbcDurableStateStore",
          "com.typesafe.slick:slick",
          "slick.jdbc.JdbcBackend",
          "com.zaxxer:HikariCP",
          "com.zaxxer.hikari.HikariDataSource");

  private static final Map<String, String> DRIVERS =
      Map.of(
          "com.h2database:h2", "org.h2.Driver",
          "org.postgresql:postgresql", "org.postgresql.Driver");

  private NeededJars() {}

  /**
   * Looks whether they are there.
   *
   * @param driver the name of a jar in {@link #DRIVERS}
   * @throws InvalidSettings naming those that are not
   */
  static void check(String pool, String driver) {
    Map<String, String> needed = new TreeMap<>(ALWAYS);
    needed.put(driver, DRIVERS.getOrDefault(driver, driver));
    List<String> missing =
        needed.entrySet().stream()
            .filter(jar -> !isThere(jar.getValue()))
            .map(Map.Entry::getKey)
            .toList();
    if (!missing.isEmpty()) {
      throw new InvalidSettings(
          "gorgon.pools." + pool + ".session.store",
          "is 'durable', which needs jars that are not on the class path: "
              + String.join(", ", missing));
    }
  }

  private static boolean isThere(String type) {
    try {
      Class.forName(type, false, NeededJars.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError missing) {
      return false;
    }
  }
}
