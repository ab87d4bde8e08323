package io.gorgon.session.durable;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * These are the connections to the database of sessions, opened when they are needed. None waits
 * for ever for a database that is there and does not answer. Thread-safe.
 */
final class Connections extends HikariDataSource {

  /** Of Slick: it asks statements what they are, and drivers then tell the values in them. */
  private static final Logger TALE =
      LoggerFactory.getLogger("slick.jdbc.JdbcBackend.statementAndParameter");

  private static final Object[] NOTHING = {};

  Connections(String name, StoreSettings settings) {
    super(config(name, settings));
  }

  private static HikariConfig config(String name, StoreSettings settings) {
    var pool = new HikariConfig();
    pool.setPoolName(name);
    pool.setJdbcUrl(settings.url());
    if (!settings.user().isEmpty()) {
      pool.setUsername(settings.user());
    }
    if (!settings.password().isEmpty()) {
      pool.setPassword(settings.password());
    }
    pool.setMaximumPoolSize(settings.connections());
    pool.setMinimumIdle(1);
    pool.setConnectionTimeout(settings.patience().toMillis());
    pool.setValidationTimeout(Math.max(250, settings.patience().toMillis() / 2));
    // The database may come later than this; until then each question is told so.
    pool.setInitializationFailTimeout(-1);
    if (settings.isH2()) {
      configureH2(pool, settings);
    } else {
      // The URL's own parameters go before these.
      pool.addDataSourceProperty("socketTimeout", seconds(settings.timeout()));
      pool.addDataSourceProperty("connectTimeout", seconds(settings.patience()));
      pool.addDataSourceProperty("ApplicationName", name);
    }
    return pool;
  }

  private static void configureH2(HikariConfig pool, StoreSettings settings) {
    String url = settings.url().toUpperCase(Locale.ROOT);
    // The plugin writes its names without quotes, and the script with them.
    addUnlessIn(url, pool, "DATABASE_TO_UPPER", "FALSE");
    if (!url.contains(";AUTO_SERVER=TRUE")) {
      // Else H2 closes when a signal comes, while calls are still drained.
      addUnlessIn(url, pool, "DB_CLOSE_ON_EXIT", "FALSE");
    }
    addUnlessIn(url, pool, "NETWORK_TIMEOUT", Long.toString(settings.timeout().toMillis()));
  }

  private static void addUnlessIn(String url, HikariConfig pool, String setting, String value) {
    if (!url.contains(";" + setting + "=")) {
      pool.addDataSourceProperty(setting, value);
    }
  }

  private static String seconds(Duration duration) {
    return Long.toString(Math.max(1, duration.plusMillis(999).toSeconds()));
  }

  /** While Slick logs statements with their values, one whose statements do not tell them. */
  @Override
  public Connection getConnection() throws SQLException {
    Connection connection = super.getConnection();
    return TALE.isDebugEnabled() ? discreet(Connection.class, connection) : connection;
  }

  private static <T> T discreet(Class<T> type, T real) {
    return type.cast(
        Proxy.newProxyInstance(
            Connections.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              if (method.getName().equals("toString")) {
                return type.getSimpleName() + ", its values are not told";
              }
              try {
                Object result = method.invoke(real, arguments == null ? NOTHING : arguments);
                return result instanceof PreparedStatement statement
                    ? discreet(PreparedStatement.class, statement)
                    : result;
              } catch (InvocationTargetException thrown) {
                throw thrown.getTargetException();
              }
            }));
  }
}
