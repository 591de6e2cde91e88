# What is said to players when something cannot be done. One text per fault key, and one per kind to fall back on.

kind-invalid-argument = That request isn't right.
kind-unauthenticated = Please sign in again.
kind-permission-denied = You may not do that.
kind-not-found = There is no such thing.
kind-already-exists = That exists already.
kind-failed-precondition = That isn't possible right now.
kind-out-of-range = That lies beyond what there is.
kind-aborted = Something else changed it first. Please try again.
kind-resource-exhausted = That is too much at once. Please wait a little.
kind-unimplemented = The server doesn't know how to do that.
kind-deadline-exceeded = That took too long. It may have happened all the same.
kind-unavailable = A part of the server is away. Please try again soon.
kind-internal = Something went wrong on our side.

fault-internal = Something went wrong on our side.
fault-deadline-exceeded = That took too long. It may have happened all the same.
fault-shutting-down = The server is about to restart. Please try again soon.
fault-backplane-away = A part of the server is away. Please try again soon.
fault-battles-away = Battles are out of reach for a moment. Please try again soon.
fault-too-busy = The server is very busy. Please try again soon.

fault-unknown-event = There is no such event.
fault-not-built-yet = That isn't part of the game yet.
fault-event-without-name = An event needs a name.
fault-too-many-arguments = An event takes one argument at most.
fault-payload-not-an-object = The payload must be an object.
fault-unknown-field = There is no such field.
fault-missing-field = A field is missing.
fault-wrong-type = A field has the wrong type or value.
fault-key-length = A key has 1 to 64 characters.
fault-key-form = A key has 1 to 64 characters.
fault-key-used-otherwise = This key was used for something else.
fault-in-progress = The same request is still under way.
fault-too-many-events = Too many events at once. Please slow down.
fault-inbox-full = Too many events are waiting. Please slow down.
fault-invalid-id = That isn't a proper id.
fault-id-form = That isn't a proper id.
fault-field-missing = A field is missing.
fault-missing = A field is missing.
fault-number-too-large = That number is too large.

fault-sign-in-first = Please sign in first.
fault-signed-in = You are signed in already.
fault-session-over = This session is over. Please sign in again.
fault-superseded = You are connected from somewhere else.
fault-wrong-name-or-password = The name or the password is wrong.
fault-wrong-password = The password is wrong.
fault-too-many-attempts = Too many attempts. Please wait a little.
fault-sign-in-busy = Many people are signing in. Please try again in a moment.
fault-username-form = A username has 4 to 16 letters a-z and digits and starts with a letter.
fault-username-taken = This username is taken.
fault-character-form = A character's name has 2 to 8 Hangul syllables and digits, starting with Hangul, or 4 to 16 letters a-z and digits, starting with a letter.
fault-character-taken = This character name is taken.
fault-character-unknown = There is no such character.
fault-character-changed = The character changed in the meantime. Please try again.
fault-password-too-short = A password has at least 8 bytes.
fault-password-too-long = A password has at most 72 bytes.

fault-unknown-dungeon = There is no such dungeon.
fault-in-battle = Another battle is going on. Stop it first.
fault-no-battle = There is no battle.
fault-no-hp = The character has no strength left to fight.
fault-battle-unknown = There is no such battle.
fault-battle-ended = The battle is over.
fault-battle-busy = The battle is busy. Please try again.
fault-battle-moved = The battle is moving to another place. Please try again.
fault-battle-unsaved = The battle couldn't be saved. Please try again.
fault-battle-epoch-moved = The battle is moving to another place. Please try again.
fault-not-your-battle = That is somebody else's battle.

fault-not-in-room = You are in no room.
fault-room-form = That isn't a proper room name.
fault-text-empty = There is nothing to say.
fault-text-too-long = A line has at most 500 characters.
fault-chat-flood = Too many lines at once. Please slow down.
fault-too-fast = Too much at once. Please slow down.
