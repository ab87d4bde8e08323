/**
 * Sessions in a database, by Pekko Persistence. All that needs those jars is here, and is loaded
 * only if a pool says {@code session.store = durable}. Knows: session, pool's reading of settings.
 */
@NullMarked
package io.gorgon.session.durable;

import org.jspecify.annotations.NullMarked;
