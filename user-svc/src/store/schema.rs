//! The tables as diesel sees them. What the columns mean stands in the migrations.

diesel::table! {
    schema_floor (migration) {
        migration -> BigInt,
        oldest_program -> BigInt,
    }
}

diesel::table! {
    account (id) {
        id -> Binary,
        username -> Text,
        username_key -> Text,
        password_hash -> Text,
        epoch -> BigInt,
        signup_key -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    session (token_hash) {
        token_hash -> Binary,
        account -> Binary,
        epoch -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    character (id) {
        id -> Binary,
        account -> Binary,
        name -> Text,
        name_key -> Text,
        job -> Text,
        level -> Integer,
        exp -> BigInt,
        hp -> BigInt,
        mp -> BigInt,
        skill_1 -> Text,
        skill_2 -> Text,
        skill_3 -> Text,
        gold -> BigInt,
        rating -> Integer,
        version -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    item (id) {
        id -> Binary,
        character -> Binary,
        item_key -> Text,
        stack -> Nullable<Text>,
        count -> BigInt,
        plus -> Integer,
        slot -> Nullable<Text>,
    }
}

diesel::table! {
    kill_count (character, monster) {
        character -> Binary,
        monster -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    battle (id) {
        id -> Binary,
        account -> Binary,
        character -> Binary,
        live_character -> Nullable<Binary>,
        epoch -> BigInt,
        owner -> Nullable<Text>,
        tick_ms -> BigInt,
        seq -> BigInt,
        state -> Binary,
        key_a -> Binary,
        key_b -> Binary,
        totals -> Binary,
        seen_seq -> BigInt,
        seen_totals -> Binary,
        seen_at -> BigInt,
        started_at -> BigInt,
        saved_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
    battle_segment (battle, from_seq) {
        battle -> Binary,
        from_seq -> BigInt,
        ruleset -> Text,
        state -> Binary,
        origin_ms -> BigInt,
    }
}

diesel::table! {
    battle_input (battle, n) {
        battle -> Binary,
        n -> BigInt,
        epoch -> BigInt,
        at_seq -> BigInt,
        tick -> BigInt,
        input -> Binary,
    }
}

diesel::table! {
    ledger (entry_key) {
        entry_key -> Text,
        account -> Nullable<Binary>,
        delta -> BigInt,
        counter -> Text,
        reason -> Text,
        booked_at -> BigInt,
    }
}

diesel::table! {
    ruleset (id) {
        id -> Text,
        pack -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    once_key (account, client_key) {
        account -> Binary,
        client_key -> Text,
        digest -> Binary,
        answer -> Nullable<Binary>,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit (id) {
        id -> Binary,
        at -> BigInt,
        operator -> Text,
        action -> Text,
        subject -> Text,
        detail -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(account, session, character, item, battle);
