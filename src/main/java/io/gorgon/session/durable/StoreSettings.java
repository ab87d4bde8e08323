package io.gorgon.session.durable;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.gorgon.message.PythonFailure.InvalidSettings;
import io.gorgon.pool.SettingsReader;
import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * These say which database keeps sessions; see {@code gorgon.session-store}.
 *
 * @param url begins with {@code jdbc:h2:} or {@code jdbc:postgresql:}
 * @param connections how many there are at most
 * @param queueCapacity how many questions wait for one of them at most
 * @param timeout how long anything that is asked takes at most
 * @param createSchema whether tables are made if there are none
 */
record StoreSettings(
    String url,
    String user,
    String password,
    int connections,
    int queueCapacity,
    Duration timeout,
    boolean createSchema) {

  private static final String ROOT = "gorgon.session-store";
  private static final String H2 = "jdbc:h2:";
  private static final Pattern SECRET = Pattern.compile("(?i)password\\s*=|//[^/]*@");
  private static final String POSTGRES = "jdbc:postgresql:";

  /**
   * From the whole config of a system.
   *
   * @throws InvalidSettings that names the key
   */
  static StoreSettings from(Config whole) {
    Config own = whole.getConfig(ROOT);
    var in = new SettingsReader(ROOT, own);
    in.refuseUnknown(ConfigFactory.defaultReference().getConfig(ROOT), Set.of());
    String url = in.text("url").strip();
    if (SECRET.matcher(url).find()) {
      throw in.invalid(
          "url", "holds a password, and may be logged: say it in " + ROOT + ".password");
    }
    if (url.startsWith(H2)) {
      checkH2(in, url, whole.getString("pekko.actor.provider"));
    } else if (!url.startsWith(POSTGRES)) {
      throw in.invalid("url", "must begin with " + H2 + " or " + POSTGRES);
    }
    return new StoreSettings(
        url,
        in.text("user"),
        in.text("password"),
        in.integer("connections", 1, 200),
        in.integer("queue-capacity", 1, 1_000_000),
        in.duration("timeout", Duration.ofSeconds(1), Duration.ofMinutes(5)),
        in.flag("create-schema"));
  }

  private static void checkH2(SettingsReader in, String url, String provider) {
    Set<String> settings =
        Arrays.stream(url.split(";", -1))
            .skip(1)
            .map(setting -> setting.strip().toUpperCase(Locale.ROOT))
            .collect(Collectors.toSet());
    if (settings.contains("DATABASE_TO_UPPER=TRUE")) {
      throw in.invalid("url", "says DATABASE_TO_UPPER=TRUE, which hides the tables: leave it out");
    }
    String place = url.substring(H2.length());
    if (place.startsWith("mem:")) {
      return; // ends with the JVM, and is asked for by name
    }
    if (!settings.contains("WRITE_DELAY=0")) {
      throw in.invalid(
          "url",
          "lacks ;WRITE_DELAY=0: without it H2 writes half a second later than it says, and what"
              + " callers were told is kept is lost when the JVM is killed");
    }
    boolean served = place.startsWith("tcp:") || place.startsWith("ssl:");
    if (!served && provider.equals("cluster")) {
      throw in.invalid(
          "url",
          "names an H2 file, which one JVM has for itself, but pekko.actor.provider is cluster: use"
              + " PostgreSQL");
    }
  }

  /**
   * Refuses versions of H2 that lose commits. 2.5 finds an older state of its file after a kill, up
   * to twenty commits back, once it has begun to use space again (2.2 to 2.4 were tried in the same
   * way and lost none); while it only appends it does not.
   *
   * @throws InvalidSettings saying what to do
   */
  void checkDriver() {
    if (!isH2()) {
      return;
    }
    try {
      Driver driver = DriverManager.getDriver(url);
      checkH2Version(driver.getMajorVersion(), driver.getMinorVersion());
    } catch (SQLException none) {
      throw new InvalidSettings(ROOT + ".url", "fits no driver that is there");
    }
  }

  void checkH2Version(int major, int minor) {
    String settings = url.toUpperCase(Locale.ROOT);
    boolean appends = settings.contains(";REUSE_SPACE=FALSE");
    boolean forgets = settings.startsWith("JDBC:H2:MEM:");
    boolean losing = major > 2 || (major == 2 && minor >= 5);
    if (losing && !appends && !forgets) {
      throw new InvalidSettings(
          ROOT + ".url",
          "would be kept by H2 "
              + major
              + "."
              + minor
              + ", which loses commits when the JVM is killed: use 2.4.240, or add"
              + " ;REUSE_SPACE=FALSE, with which the file only grows");
    }
  }

  boolean isH2() {
    return url.startsWith(H2);
  }

  /** The jar with the driver. */
  String driver() {
    return isH2() ? "com.h2database:h2" : "org.postgresql:postgresql";
  }

  /** The URL without its parameters. */
  String place() {
    return url.split("[;?]", 2)[0];
  }

  /** How long one waits for its turn, and then for a connection: in time to say so. */
  Duration patience() {
    return timeout.multipliedBy(2).dividedBy(5);
  }

  /** Tells no secrets. */
  @Override
  public String toString() {
    return "StoreSettings[" + place() + ", user=" + user + ", connections=" + connections + "]";
  }
}
