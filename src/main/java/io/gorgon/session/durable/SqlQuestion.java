package io.gorgon.session.durable;

import java.sql.Connection;
import java.sql.SQLException;

/** Something that is asked on one connection. It may block. */
@FunctionalInterface
interface SqlQuestion<T> {

  T ask(Connection connection) throws SQLException;
}
