BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'frozen');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MINIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'tuner:ledger','"6a28184f981d4548bd16778bfa836034"');
INSERT INTO "study_user_attributes" VALUES(2,1,'tuner:definition','{"study": {"name": "frozen", "metric": "val_loss", "direction": "minimize", "trials": 6, "seed": 0, "exploration": 0.5, "score": "best", "diverged_beyond": null, "threads": null}, "trainer": {"max_epochs": 9}, "model": {"class_path": "a.Model"}, "space": {"optimizer": {"target": "optimizer", "choices": {"sgd": {"class_path": "torch.optim.SGD", "lr": {"low": 0.001, "high": 1.0, "log": true, "type": "float"}}, "adam": {"class_path": "torch.optim.Adam", "lr": {"low": 1e-05, "high": 0.01, "log": true, "type": "float"}}}}, "model.init_args.width": {"choices": [16, 32, 64]}}, "sampler": null, "pruner": null}');
INSERT INTO "study_user_attributes" VALUES(3,1,'tuner:space','"0e9553c89f1b2431"');
INSERT INTO "study_user_attributes" VALUES(4,1,'tuner:source','"# a study file\n"');
INSERT INTO "study_user_attributes" VALUES(5,1,'tuner:version','"0.1.0"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,2,1,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,3,1,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,4,1,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,5,1,0.4,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adam", "sgd"]}}');
INSERT INTO "trial_params" VALUES(2,1,'optimizer.sgd.lr',0.0316227766016838,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(3,1,'model.init_args.width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [16, 32, 64]}}');
INSERT INTO "trial_params" VALUES(4,2,'optimizer',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adam", "sgd"]}}');
INSERT INTO "trial_params" VALUES(5,2,'optimizer.adam.lr',3.74080117101846607724e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.01, "log": true}}');
INSERT INTO "trial_params" VALUES(6,2,'model.init_args.width',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [16, 32, 64]}}');
INSERT INTO "trial_params" VALUES(7,3,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adam", "sgd"]}}');
INSERT INTO "trial_params" VALUES(8,3,'optimizer.sgd.lr',1.10494180020420558474e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(9,3,'model.init_args.width',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [16, 32, 64]}}');
INSERT INTO "trial_params" VALUES(10,4,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adam", "sgd"]}}');
INSERT INTO "trial_params" VALUES(11,4,'optimizer.sgd.lr',1.26210490281639220455e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(12,4,'model.init_args.width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [16, 32, 64]}}');
INSERT INTO "trial_params" VALUES(13,5,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adam", "sgd"]}}');
INSERT INTO "trial_params" VALUES(14,5,'optimizer.sgd.lr',1.26210490281639220455e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(15,5,'model.init_args.width',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [16, 32, 64]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'constraints:diverged','-1.0');
INSERT INTO "trial_system_attributes" VALUES(2,1,'constraints','[-1.0]');
INSERT INTO "trial_system_attributes" VALUES(3,2,'constraints:diverged','1.0');
INSERT INTO "trial_system_attributes" VALUES(4,2,'constraints','[1.0]');
INSERT INTO "trial_system_attributes" VALUES(5,3,'constraints:diverged','-1.0');
INSERT INTO "trial_system_attributes" VALUES(6,3,'constraints','[-1.0]');
INSERT INTO "trial_system_attributes" VALUES(7,4,'tpe:relative_params:0','"{\"model.init_args.width\": 16, \"optimizer\": \"sgd\"}"');
INSERT INTO "trial_system_attributes" VALUES(8,4,'constraints:diverged','-1.0');
INSERT INTO "trial_system_attributes" VALUES(9,4,'constraints','[-1.0]');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'slot','0');
INSERT INTO "trial_user_attributes" VALUES(2,1,'attempt','1');
INSERT INTO "trial_user_attributes" VALUES(3,1,'exploration','true');
INSERT INTO "trial_user_attributes" VALUES(4,1,'worker','"host:1"');
INSERT INTO "trial_user_attributes" VALUES(5,1,'configuration','{"trainer": {"max_epochs": 9}, "model": {"class_path": "a.Model", "init_args": {"width": 16}}, "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.0316227766016838}}}');
INSERT INTO "trial_user_attributes" VALUES(6,1,'outcome','"completed"');
INSERT INTO "trial_user_attributes" VALUES(7,1,'seconds','0.121');
INSERT INTO "trial_user_attributes" VALUES(8,2,'slot','1');
INSERT INTO "trial_user_attributes" VALUES(9,2,'attempt','1');
INSERT INTO "trial_user_attributes" VALUES(10,2,'exploration','true');
INSERT INTO "trial_user_attributes" VALUES(11,2,'worker','"host:1"');
INSERT INTO "trial_user_attributes" VALUES(12,2,'configuration','{"trainer": {"max_epochs": 9}, "model": {"class_path": "a.Model", "init_args": {"width": 32}}, "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.003740801171018466}}}');
INSERT INTO "trial_user_attributes" VALUES(13,2,'outcome','"diverged"');
INSERT INTO "trial_user_attributes" VALUES(14,2,'seconds','0.091');
INSERT INTO "trial_user_attributes" VALUES(15,3,'slot','2');
INSERT INTO "trial_user_attributes" VALUES(16,3,'attempt','1');
INSERT INTO "trial_user_attributes" VALUES(17,3,'exploration','true');
INSERT INTO "trial_user_attributes" VALUES(18,3,'worker','"host:1"');
INSERT INTO "trial_user_attributes" VALUES(19,3,'configuration','{"trainer": {"max_epochs": 9}, "model": {"class_path": "a.Model", "init_args": {"width": 32}}, "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.011049418002042056}}}');
INSERT INTO "trial_user_attributes" VALUES(20,3,'outcome','"pruned"');
INSERT INTO "trial_user_attributes" VALUES(21,3,'seconds','0.059');
INSERT INTO "trial_user_attributes" VALUES(22,4,'slot','3');
INSERT INTO "trial_user_attributes" VALUES(23,4,'attempt','1');
INSERT INTO "trial_user_attributes" VALUES(24,4,'exploration','false');
INSERT INTO "trial_user_attributes" VALUES(25,4,'worker','"host:1"');
INSERT INTO "trial_user_attributes" VALUES(26,4,'configuration','{"trainer": {"max_epochs": 9}, "model": {"class_path": "a.Model", "init_args": {"width": 16}}, "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.12621049028163922}}}');
INSERT INTO "trial_user_attributes" VALUES(27,4,'outcome','"preempted"');
INSERT INTO "trial_user_attributes" VALUES(28,4,'seconds','0.147');
INSERT INTO "trial_user_attributes" VALUES(29,5,'slot','3');
INSERT INTO "trial_user_attributes" VALUES(30,5,'attempt','2');
INSERT INTO "trial_user_attributes" VALUES(31,5,'exploration','false');
INSERT INTO "trial_user_attributes" VALUES(32,5,'worker','"host:1"');
INSERT INTO "trial_user_attributes" VALUES(33,5,'configuration','{"trainer": {"max_epochs": 9}, "model": {"class_path": "a.Model", "init_args": {"width": 16}}, "optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.12621049028163922}}}');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,0.5,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,0.5,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,0.5,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-25 03:34:07.355196','2026-11-25 03:34:07.526595');
INSERT INTO "trials" VALUES(2,1,1,'PRUNED','2026-11-25 03:34:07.550685','2026-11-25 03:34:07.681483');
INSERT INTO "trials" VALUES(3,2,1,'PRUNED','2026-11-25 03:34:07.698375','2026-11-25 03:34:07.796351');
INSERT INTO "trials" VALUES(4,3,1,'FAIL','2026-11-25 03:34:07.817427','2026-11-25 03:34:08.002023');
INSERT INTO "trials" VALUES(5,4,1,'RUNNING','2026-11-25 03:34:08.019499',NULL);
CREATE TABLE tuner_slots (
	ledger VARCHAR(32) NOT NULL, 
	slot INTEGER NOT NULL, 
	explore BOOLEAN NOT NULL, 
	state VARCHAR(8) NOT NULL, 
	attempt INTEGER NOT NULL, 
	draw INTEGER NOT NULL, 
	trial INTEGER, 
	worker VARCHAR(128), 
	lease DOUBLE, 
	PRIMARY KEY (ledger, slot)
);
INSERT INTO "tuner_slots" VALUES('6a28184f981d4548bd16778bfa836034',0,1,'done',1,0,0,'host:1',NULL);
INSERT INTO "tuner_slots" VALUES('6a28184f981d4548bd16778bfa836034',1,1,'done',1,0,1,'host:1',NULL);
INSERT INTO "tuner_slots" VALUES('6a28184f981d4548bd16778bfa836034',2,1,'done',1,0,2,'host:1',NULL);
INSERT INTO "tuner_slots" VALUES('6a28184f981d4548bd16778bfa836034',3,0,'claimed',2,0,4,'host:1',1.0);
INSERT INTO "tuner_slots" VALUES('6a28184f981d4548bd16778bfa836034',4,0,'open',0,0,NULL,NULL,NULL);
INSERT INTO "tuner_slots" VALUES('6a28184f981d4548bd16778bfa836034',5,0,'open',0,0,NULL,NULL,NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE INDEX tuner_slots_by_state ON tuner_slots (ledger, state, slot);
COMMIT;
